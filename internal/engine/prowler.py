"""Drives the Prowler SDK for Palisade.

Reads one JSON request from standard input and writes JSON lines to standard output, the last of which is
{"type": "done"} or {"type": "error"}. Nothing of the request's secret is written anywhere else; what the SDK
prints goes to standard error.
"""
import importlib
import importlib.util
import inspect
import json
import os
import re
import shutil
import sys

# What is taken from a secret, by provider type. Everything else stays out: the SDK would also take paths of files on
# this machine and the machine's own identity, which are none of a tenant's business.
SECRET = {
    "aws": "aws_access_key_id aws_secret_access_key aws_session_token role_arn external_id role_session_name session_duration",
    "azure": "client_id client_secret tenant_id",
    "gcp": "client_id client_secret refresh_token service_account_key",
    "kubernetes": "kubeconfig_content",
    "m365": "client_id tenant_id client_secret certificate_content user password",
    "github": "personal_access_token oauth_app_token github_app_id github_app_key_content",
    "mongodbatlas": "atlas_public_key atlas_private_key",
    "iac": "access_token",
    "oraclecloud": "user fingerprint tenancy key_content pass_phrase",
    "alibabacloud": "access_key_id access_key_secret security_token role_arn role_session_name",
    "cloudflare": "api_token api_key api_email",
    "openstack": "clouds_yaml_content clouds_yaml_cloud",
    "image": "registry_username registry_password registry_token",
    "googleworkspace": "credentials_content delegated_user",
    "vercel": "api_token",
    "okta": "okta_client_id okta_private_key okta_scopes",
}
PROVIDERS = tuple(SECRET)
PROGRAMS = {"iac": "trivy", "image": "trivy"}  # what the SDK runs to scan
WITHOUT_SECRET = ("iac", "image")  # public repositories and images need none

# The member of the provider's constructor that names the account, for the types that need to be told.
ACCOUNT_LIST = {
    "azure": "subscription_ids",
    "gcp": "project_ids",
    "github": "organizations",
    "cloudflare": "filter_accounts",
}
ACCOUNT_TEXT = {
    "kubernetes": "context",
    "iac": "scan_repository_url",
    "mongodbatlas": "atlas_organization_id",
    "vercel": "team_id",
    "okta": "okta_org_domain",
}
# The same for test_connection; all others take provider_id.
CONNECTION_TEXT = {
    "iac": "scan_repository_url",
    "image": "image",
    "vercel": "team_id",
    "okta": "okta_org_domain",
}
# The member of the constructor that takes regions, and the type that it wants; all other types would ignore them.
REGIONS = {"aws": ("regions", set), "alibabacloud": ("regions", list), "oraclecloud": ("region", set)}
# The lists of a scope that choose checks.
CHOICES = ("services", "checks", "severities", "compliance", "excluded_checks", "excluded_services")
# Checks of this category are made only when a scope names them: they read months of logs.
UNASKED_CATEGORY = "threat-detection"
# Oracle Cloud validates credentials in some region before it knows the home region.
BOOTSTRAP_REGION = "us-ashburn-1"
OCI_KEY_MEMBERS = ("user", "fingerprint", "tenancy", "key_content")

# Members of a kubeconfig that name files or commands of this machine, by the section that holds them.
KUBECONFIG_LOCAL = {
    ("users", "user"): ("exec", "auth-provider", "tokenFile", "client-certificate", "client-key"),
    ("clusters", "cluster"): ("certificate-authority",),
}


class Refused(Exception):
    """A request that cannot be served; its text is shown."""


class Upstream(Exception):
    """The provider refused or was not reached: code is auth, denied or unavailable."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def main():
    out = private_output()
    try:
        request = json.load(sys.stdin)
    except (ValueError, RecursionError):
        return write(out, type="error", code="request", detail="The request is not JSON.")
    try:
        importlib.import_module("prowler.lib.check.models")
    except ImportError as error:
        # A package of that name may be there and one that it needs may not.
        return write(out, type="error", code="not_installed", detail=str(error))
    try:
        OPERATIONS[request["operation"]](request, out)
    except Refused as error:
        write(out, type="error", code="refused", detail=str(error))
    except Upstream as error:
        write(out, type="error", code=error.code, detail=str(error))
    except MemoryError:
        write(out, type="error", code="memory", detail="The engine ran out of memory.")
    except (Exception, SystemExit) as error:
        write(out, type="error", code="failed", detail=reason(error))
    else:
        write(out, type="done")


def private_output():
    """Returns the real standard output, and lets all else that is printed go to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def write(out, **line):
    out.write(json.dumps(line, separators=(",", ":"), default=str) + "\n")
    out.flush()


def reason(error):
    if isinstance(error, SystemExit):
        return "The engine gave up (exit code %s)." % (error.code,)
    return str(error) or type(error).__name__


# describe


def describe(request, out):
    from prowler.config.config import prowler_version

    write(out, type="header", engine="prowler", version=prowler_version)
    for provider in request.get("providers") or PROVIDERS:
        if provider not in ("iac", "image"):  # these bring their checks along from another scanner
            describe_provider(provider, out)


def describe_provider(provider, out):
    from prowler.lib.check.compliance_models import Compliance
    from prowler.lib.check.models import CheckMetadata

    for check_id, check in sorted(CheckMetadata.get_bulk(provider).items()):
        write(out, type="check", provider=provider, id=check_id, check=plain(check))
    for framework_id, framework in sorted(Compliance.get_bulk(provider).items()):
        write(out, type="framework", provider=provider, id=framework_id, framework=framework_of(framework))


def plain(model):
    text = model.model_dump_json() if hasattr(model, "model_dump_json") else model.json()
    return json.loads(text)


def framework_of(model):
    framework = plain(model)
    return {
        "framework": framework.get("Framework") or "",
        "name": framework.get("Name") or "",
        "version": framework.get("Version") or "",
        "description": framework.get("Description") or "",
        "requirements": [requirement_of(one) for one in framework.get("Requirements") or []],
    }


def requirement_of(requirement):
    return {
        "id": requirement.get("Id") or "",
        "name": requirement.get("Name") or "",
        "description": requirement.get("Description") or "",
        "tactics": requirement.get("Tactics") or [],
        "sub_techniques": requirement.get("SubTechniques") or [],
        "platforms": requirement.get("Platforms") or [],
        "technique_url": requirement.get("TechniqueURL") or "",
        "attributes": requirement.get("Attributes") or [],
        "checks": requirement.get("Checks") or [],
    }


# capabilities


def capabilities(request, out):
    """Says what this installation can do, without loading any of it."""
    import glob

    import prowler
    from prowler.config.config import prowler_version

    write(out, type="header", engine="prowler", version=prowler_version)
    home = os.path.dirname(prowler.__file__)
    for kind in PROVIDERS:
        metadata = os.path.join(glob.escape(os.path.join(home, "providers", kind)), "services", "**", "*.metadata.json")
        write(out, type="provider", provider=kind, checks=sum(1 for _ in glob.iglob(metadata, recursive=True)), lacks=lacks(kind))


def lacks(kind):
    """Returns what a scan of the type needs and is not there."""
    if importlib.util.find_spec("prowler.providers.%s" % kind) is None:
        return "a version of the engine that knows the type"
    program = PROGRAMS.get(kind)
    if program and shutil.which(program) is None:
        return "the program %s" % program
    return ""


# connect


def connect(request, out):
    connected, error = connection(request)
    write(out, type="connection", connected=connected, error=error)


def connection(request):
    """Asks the SDK whether the secret opens the account and belongs to it: (connected, reason or None)."""
    provider = provider_class(request["provider"])
    try:
        result = provider.test_connection(**accepted(provider.test_connection, connection_arguments(request)))
    except (Exception, SystemExit) as error:
        return False, reason(error)
    if result.is_connected:
        return True, None
    return False, reason(result.error) if isinstance(result.error, BaseException) else str(result.error or "Not connected.")


def connection_arguments(request):
    kind, uid = request["provider"], request["uid"]
    arguments = credentials(request)
    if kind == "oraclecloud" and all(arguments.get(member) for member in OCI_KEY_MEMBERS):
        arguments["region"] = BOOTSTRAP_REGION
    if kind in CONNECTION_TEXT:
        arguments[CONNECTION_TEXT[kind]] = uid
    arguments.update(provider_id=uid, raise_on_exception=False)
    return arguments


# scan


def scan(request, out):
    scope = request.get("scope") or {}
    refuse_unknown_regions(request["provider"], scope.get("regions"))
    checks = chosen(request["provider"], scope)
    connected, error = connection(request)
    if not connected:
        return write(out, type="connection", connected=False, error=error)
    try:
        provider = opened_provider(request, scope)
    except (Exception, SystemExit) as error:
        return write(out, type="connection", connected=False, error=reason(error))
    write(out, type="connection", connected=True, error=None)
    run(provider, request, checks, out)


def opened_provider(request, scope):
    made = provider_class(request["provider"])
    provider = made(**accepted(made.__init__, scan_arguments(request, scope)))
    from prowler.providers.common.provider import Provider

    if Provider.get_global_provider() is None:
        Provider.set_global_provider(provider)
    return provider


def scan_arguments(request, scope):
    kind, uid = request["provider"], request["uid"]
    arguments = credentials(request)
    if kind == "iac":
        arguments = {"oauth_app_token": arguments.get("access_token")} if arguments.get("access_token") else {}
        arguments["provider_uid"] = uid
    if kind in ACCOUNT_LIST:
        arguments[ACCOUNT_LIST[kind]] = [uid]
    if kind in ACCOUNT_TEXT:
        arguments[ACCOUNT_TEXT[kind]] = uid
    if kind == "image":
        if provider_class(kind)._is_registry_url(uid):
            arguments["registry"] = uid
        else:
            arguments["images"] = [uid]
    elif kind != "iac" and request.get("mutelist"):
        arguments["mutelist_content"] = request["mutelist"]
    if scope.get("regions"):
        name, wanted = REGIONS[kind]
        arguments[name] = wanted(scope["regions"])
    return arguments


def refuse_unknown_regions(kind, regions):
    """The SDK skips what it does not know: a scan of such regions alone would find nothing, and say so of the whole account."""
    if not regions:
        return
    if kind not in REGIONS:
        raise Refused("A scan of the type %s cannot be narrowed to regions." % kind)
    made = provider_class(kind)
    known = set(made.get_regions(None) if kind == "aws" else made.get_regions())
    refuse_strangers("region", kind, regions, known)


def chosen(kind, scope):
    """Returns the checks that the scope leaves, each of its lists narrowing what the others leave; None for all of them."""
    if not any(scope.get(name) for name in CHOICES):
        return None
    if kind in PROGRAMS:
        raise Refused("A scan of the type %s cannot be narrowed." % kind)
    from prowler.lib.check.compliance_models import Compliance
    from prowler.lib.check.models import CheckMetadata

    checks = CheckMetadata.get_bulk(kind)
    services = {check.ServiceName for check in checks.values()}
    for name, known in (("services", services), ("excluded_services", services), ("checks", checks), ("excluded_checks", checks)):
        refuse_strangers(name.replace("excluded_", "")[:-1], kind, scope.get(name), known)
    demanded = None
    if scope.get("compliance"):
        frameworks = Compliance.get_bulk(kind)
        refuse_strangers("compliance framework", kind, scope["compliance"], frameworks)
        demanded = {check for name in scope["compliance"] for one in framework_of(frameworks[name])["requirements"] for check in one["checks"]}
    left = sorted(name for name, check in checks.items() if selects(scope, name, check) and (demanded is None or name in demanded))
    if not left:
        raise Refused("The scope selects no check.")
    return left


def refuse_strangers(what, kind, given, known):
    for name in given or ():
        if name not in known:
            raise Refused("This version of the engine knows no %s %s of %s." % (what, name, kind))


def selects(scope, name, check):
    def allows(member, value):
        return not scope.get(member) or value in scope[member]

    severity = getattr(check.Severity, "value", check.Severity)
    return (
        allows("checks", name)
        and allows("services", check.ServiceName)
        and allows("severities", severity)
        and name not in (scope.get("excluded_checks") or ())
        and check.ServiceName not in (scope.get("excluded_services") or ())
        and (bool(scope.get("checks")) or UNASKED_CATEGORY not in check.Categories)
    )


def run(provider, request, checks, out):
    from prowler.lib.scan.scan import Scan

    scanning = Scan(provider, checks=checks)
    for progress, findings in scanning.scan():
        for finding in findings:
            write_finding(out, finding, provider, request)
        write(out, type="progress", value=progress)


def write_finding(out, finding, provider, request):
    from prowler.lib.outputs.ocsf.ocsf import OCSF

    name_account(finding, provider, request)
    written = OCSF([finding]).data
    if not written:  # the SDK swallows what goes wrong
        return write(out, type="lost", uid=str(finding.uid)[:300])
    text = written[0].model_dump_json(exclude_none=True) if hasattr(written[0], "model_dump_json") else written[0].json(exclude_none=True)
    tags = {str(key): str(value) for key, value in (finding.resource_tags or {}).items()}
    out.write('{"type":"finding","tags":%s,"ocsf":%s}\n' % (json.dumps(tags, separators=(",", ":")), text))
    out.flush()


def name_account(finding, provider, request):
    """Gives the finding the account's uid where the SDK has another name for the account that it was given."""
    kind, uid = request["provider"], request["uid"]
    if kind in ("iac", "image"):
        finding.account_uid = uid
    elif kind == "m365":
        domains = [domain.lower() for domain in getattr(provider.identity, "tenant_domains", None) or []]
        if finding.account_uid == provider.identity.tenant_domain and uid.lower() in domains:
            finding.account_uid = uid


# events

EVENT_PAGES = 5  # of 50 events each; CloudTrail allows two look-ups a second
READS = ("BatchGet", "Check", "Describe", "Get", "Head", "List", "Lookup", "Query", "Scan", "Search", "Select")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
BAD_CREDENTIALS = (
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
)


def events(request, out):
    """Writes what CloudTrail has about a resource, the newest first."""
    if request["provider"] != "aws":
        raise Refused("The engine knows no events of the type %s." % request["provider"])
    asked = request["events"]
    try:
        provider = opened_provider(request, {})
    except Refused:
        raise
    except (Exception, SystemExit) as error:
        raise Upstream("unavailable" if unreachable(error) else "auth", reason(error)) from None
    if str(provider.identity.account) != request["uid"]:
        raise Upstream("auth", "The credentials are of another account.")
    try:
        found = lookup(provider, asked)
    except Exception as error:
        raise Upstream(*upstream(error)) from None
    for event in found:
        write(out, type="event", event=event)


def lookup(provider, asked):
    from botocore.config import Config

    known = provider_class("aws").get_regions(None)
    region = asked.get("region") if asked.get("region") in known else provider.get_global_region()
    patience = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 3, "mode": "standard"})
    client = provider.session.current_session.client("cloudtrail", region_name=region, config=patience)
    uid = asked["resource"]
    found = lookup_name(client, uid, asked)
    name = uid.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    if not found and uid.startswith("arn:") and name:
        found = lookup_name(client, name, asked)  # most services record the last part of an ARN alone
    return found


def lookup_name(client, name, asked):
    import datetime

    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=asked["days"])
    query = {"LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": name}], "StartTime": since, "MaxResults": 50}
    found = []
    for _ in range(EVENT_PAGES):
        page = client.lookup_events(**query)
        for one in page.get("Events", []):
            if asked["reads"] or not one.get("EventName", "").startswith(READS):
                found.append(event_of(one))
            if len(found) == asked["limit"]:
                return found
        if not page.get("NextToken"):
            break
        query["NextToken"] = page["NextToken"]
    return found


def event_of(one):
    """What CloudTrail says of one event; what is not as it should be is left out."""
    try:
        details = json.loads(one.get("CloudTrailEvent") or "{}")
    except (ValueError, TypeError, RecursionError):
        details = {}
    details = details if isinstance(details, dict) else {}
    identity = details.get("userIdentity") if isinstance(details.get("userIdentity"), dict) else {}
    data = {name: details.get(name) if isinstance(details.get(name), dict) else None for name in ("requestParameters", "responseElements")}
    return {
        "id": one.get("EventId"),
        "time": one["EventTime"].isoformat(),
        "name": one.get("EventName") or "Unknown",
        "source": one.get("EventSource") or "Unknown",
        "actor": text(identity.get("arn"), "").rsplit(":", 1)[-1] or text(identity.get("invokedBy"), "Unknown"),
        "actor_uid": text(identity.get("arn")),
        "actor_type": text(identity.get("type")),
        "address": text(details.get("sourceIPAddress")),
        "agent": text(details.get("userAgent")),
        "request": data["requestParameters"],
        "response": data["responseElements"],
        "error_code": text(details.get("errorCode")),
        "error_message": text(details.get("errorMessage")),
    }


def text(value, otherwise=None):
    return value if isinstance(value, str) and value else otherwise


def upstream(error):
    """Returns the code and the text of what went wrong with the provider."""
    code = (getattr(error, "response", None) or {}).get("Error", {}).get("Code", "")
    if code in DENIED:
        return "denied", reason(error)
    if code in BAD_CREDENTIALS:
        return "auth", reason(error)
    return "unavailable", reason(error)


def unreachable(error):
    """Tells whether an error of the SDK, or one that led to it, is that the provider was not reached."""
    from botocore.exceptions import BotoCoreError, ConnectionError, HTTPClientError

    for _ in range(10):
        if isinstance(error, (ConnectionError, HTTPClientError)) and isinstance(error, BotoCoreError):
            return True
        error = getattr(error, "original_exception", None) or error.__cause__ or error.__context__
        if error is None:
            return False
    return False


# shared


def provider_class(kind):
    if kind not in PROVIDERS:
        raise Refused("The engine does not know the provider type %s." % kind)
    module = importlib.import_module("prowler.providers.%s.%s_provider" % (kind, kind))
    return getattr(module, kind.capitalize() + "Provider")


def accepted(function, arguments):
    """Leaves out what the function does not take: secrets may hold members that this SDK does not know."""
    taken = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in taken}


def credentials(request):
    """Returns the members of the secret that the provider type takes, after a look at what they refer to."""
    kind, secret = request["provider"], dict(request["secret"])
    if kind == "github" and secret.get("github_app_key"):  # another name for it in the API's description
        secret.setdefault("github_app_key_content", secret["github_app_key"])
    taken = {name: secret[name] for name in SECRET[kind].split() if secret.get(name) not in (None, "")}
    if not taken and kind not in WITHOUT_SECRET:
        raise Refused("The secret holds nothing that a provider of type %s takes." % kind)
    if kind in REFUSALS:
        REFUSALS[kind](taken)
    return taken


# What is stored was looked at when it was given, by the rules of that time. These are the rules of this one.


def refuse_local_kubeconfig(taken):
    import yaml

    content = taken["kubeconfig_content"]
    try:
        kubeconfig = yaml.safe_load(content) if isinstance(content, str) else content
        for (section, member), refused in KUBECONFIG_LOCAL.items():
            for entry in kubeconfig.get(section) or []:
                for name in refused:
                    if (entry.get(member) or {}).get(name):
                        raise Refused("The kubeconfig's %s refers to this machine, which is not allowed; put its content in." % name)
    except (yaml.YAMLError, AttributeError, TypeError):
        raise Refused("The kubeconfig is not valid.") from None


def refuse_foreign_key(taken):
    """Other kinds of key can name files, commands and addresses that the SDK would read, run and call."""
    key = taken.get("service_account_key")
    if key is not None:
        refuse_foreign_credentials(key)


def refuse_foreign_text(taken):
    try:
        key = json.loads(taken.get("credentials_content") or "")
    except (ValueError, RecursionError):
        raise Refused("The credentials are not JSON.") from None
    refuse_foreign_credentials(key)


def refuse_foreign_credentials(key):
    if not isinstance(key, dict) or key.get("type") != "service_account":
        raise Refused("The service account key is not of the type service_account.")
    address = key.get("token_uri")
    if address is not None and not (isinstance(address, str) and GOOGLE_ADDRESS.fullmatch(address)):
        raise Refused("The service account key's token_uri is not one of Google's.")


def refuse_path_of_key(taken):
    """The library takes a text that is no key for the path of a file, if there is such a file."""
    key = str(taken.get("okta_private_key", "")).strip()
    if not key.startswith(("{", "-----BEGIN ")):
        raise Refused("The private key is neither PEM nor JWK.")


def refuse_shell_quotes(taken):
    """The SDK puts these between single quotes of PowerShell, to which typographic quotes are quotes too."""
    for name in ("client_secret", "password"):
        if BREAKS_QUOTES.search(str(taken.get(name, ""))):
            raise Refused("The %s has typographic quotes or control characters, which is not allowed." % name)


GOOGLE_ADDRESS = re.compile(r"https://(accounts\.google\.com|[a-z0-9.-]+\.googleapis\.com)(/[A-Za-z0-9./_-]*)?")
BREAKS_QUOTES = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2018-\\u201b\\u2028\\u2029]")
REFUSALS = {
    "kubernetes": refuse_local_kubeconfig,
    "gcp": refuse_foreign_key,
    "googleworkspace": refuse_foreign_text,
    "okta": refuse_path_of_key,
    "m365": refuse_shell_quotes,
}
OPERATIONS = {"capabilities": capabilities, "describe": describe, "connect": connect, "scan": scan, "events": events}

if __name__ == "__main__":
    main()
