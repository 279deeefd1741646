package deploy

// wellKnown are keys that can be read on the web: test keys of libraries, examples of standards, samples of other products.
// Only digests stand here: SHA-256 of the public half of a key pair (PKIX, DER), or of the bytes of a secret key.
var wellKnown = map[string]string{
	"389f9ede520dbc33d2aebc489246ad89e221d1ec15f693c348c58b08219367aa": "the test key of Go's net/http/httptest",
	"6fd13c2435a361e7c588cd17f55f5ad3df0177a66c1727a6a200845f4d7ab88c": "the example of RFC 7515, appendix A.2",
	"f56c8b01227f62ddbc16eb29a6ac0b310e276760a5e06302fa881a35146f6bc7": "the example of jwt.io",
	"411a6612528417de252e5d2bf92bcf16bb2279b77f79ccd1f5c30d96418d1c08": "the test key of golang-jwt",
	"66bc4e6f4832f75409f546761a4d609be27e0d5a3f3e16a40de3ee291abc9f7c": "a test key of crewjam/saml",
	"785f5f125919364b7473b742260b28f6b120e1f73faa84e914b2a2445c0d348c": "the test key of crewjam/saml",
	"7ea3450aa488c616e3b6c28a191ab4e7c61a4dafce2d172d4527c9a172a5736f": "a test key of crewjam/saml",
	"67e441426eb4676e9e534fa5804ab7e579321e6d1e1d977a4c25fa76dba35533": "a test key of crewjam/saml",
	"51eca1633e625ec9fb652b71c66fa7730421d56971e022cac7f4a85516cfd04c": "a test key of Open Policy Agent",

	"d07119cf8b08ca1010544b4608b15fabd2932a73c79f00294afe73d4a4dba606": "the sample key of the Prowler API's settings",
	"42b4296229f23f14595762018db1eed2d50853b9ffbefaaff13d06ed76fba1a5": "the development key of the Prowler API",
	"61636c9a5466168a434d2c6766f35db832757875364c178b1df2f9060b429b33": "the sample key of Prowler's web UI",
	"cbeb362f1fa69a6691db592f4529cf6bea1ce089eb132a3350c9081279ff8f34": "the example of the Fernet specification",
	"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925": "32 zero bytes",
}
