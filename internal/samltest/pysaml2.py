"""An identity provider made of pysaml2 and xmlsec1, for one person and one service.

Standard input is one JSON object: port, folder (with key.pem, cert.pem, service.xml), address, attributes, sign (assertion,
response, both). Every browser that comes to /sso is taken for the person. The process ends when standard input does.
"""
import base64
import html
import http.server
import json
import os
import sys
import threading
import urllib.parse

from saml2 import BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

setup = json.loads(sys.stdin.readline())
base = "http://127.0.0.1:%d" % setup["port"]


def in_folder(name):
    return os.path.join(setup["folder"], name)


def configuration():
    config = {
        "entityid": base + "/metadata",
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [(base + "/sso", BINDING_HTTP_REDIRECT)]},
            "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None,
                                   "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"}},
        }},
        "key_file": in_folder("key.pem"), "cert_file": in_folder("cert.pem"),
    }
    if os.path.exists(in_folder("service.xml")):
        config["metadata"] = {"local": [in_folder("service.xml")]}
    return IdPConfig().load(config)


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        if address.path == "/metadata":
            return self.answer("text/xml", str(entity_descriptor(configuration())))
        server = Server(config=configuration())
        request = server.parse_authn_request(urllib.parse.parse_qs(address.query)["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
        arguments = server.response_args(request.message)
        arguments.pop("name_id_policy", None)
        response = server.create_authn_response(
            identity=setup["attributes"], userid=setup["address"], name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=setup["address"]),
            authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": base}, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256,
            sign_assertion=setup["sign"] in ("assertion", "both"), sign_response=setup["sign"] in ("response", "both"), **arguments)
        self.answer("text/html", '<form method="post" action="%s"><input type="hidden" name="SAMLResponse" value="%s"></form>' % (
            html.escape(arguments["destination"]), base64.b64encode(str(response).encode()).decode()))

    def answer(self, kind, text):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", setup["port"]), Pages).serve_forever()
