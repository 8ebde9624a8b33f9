#!/usr/bin/python3
"""An identity provider on lasso, a SAML library in C.

People sign in on a form at /sso (asked by a service provider, or with ?sp= to start here). Logout comes in by SOAP at
/slo/soap and by redirect at /slo. The test drives the rest with JSON at /control/. Configuration: a JSON file, first
argument.
"""
import datetime
import html
import http.server
import json
import sys
import threading
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid

import lasso

SETTINGS = json.load(open(sys.argv[1]))
FOLDER = SETTINGS["folder"]
LASSO = threading.Lock()  # lasso is not made for threads; requests to others are made without it

server = lasso.Server(f"{FOLDER}/metadata.xml", f"{FOLDER}/{SETTINGS['name']}.key", None, f"{FOLDER}/{SETTINGS['name']}.crt")
server.signatureMethod = lasso.SIGNATURE_METHOD_RSA_SHA256
identities = {}  # user → dump of its federations: persistent names stay the same
sessions = {}  # user → dump of its session
pending = {}  # token → what the form was shown for
received = []  # logout requests, in order: how each was judged


def stamp(minutes):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def attribute(name, values):
    made = lasso.Saml2Attribute()
    made.name = name
    made.nameFormat = lasso.SAML2_ATTRIBUTE_NAME_FORMAT_BASIC
    made.attributeValue = []
    found = []
    for value in values:
        text = lasso.MiscTextNode.newWithString(value)
        text.textChild = True
        holder = lasso.Saml2AttributeValue()
        holder.any = [text]
        found.append(holder)
    made.attributeValue = found
    return made


def encrypt_for(provider, wanted):
    provider.setEncryptionMode(lasso.ENCRYPTION_MODE_ASSERTION if wanted else lasso.ENCRYPTION_MODE_NONE)
    provider.setEncryptionSymKeyType(lasso.ENCRYPTION_SYM_KEY_TYPE_AES_256)


def restore(profile, user):
    """Gives lasso what it knew of a person."""
    if user in identities:
        profile.setIdentityFromDump(identities[user])
    if user in sessions:
        profile.setSessionFromDump(sessions[user])


def respond(user, wish):
    """Signs a person in; `wish` holds a query with an AuthnRequest, or the service provider to start with."""
    with LASSO:
        login = lasso.Login(server)
        restore(login, user)
        if wish.get("query"):
            login.setSignatureVerifyHint(lasso.PROFILE_SIGNATURE_VERIFY_HINT_FORCE)
            login.processAuthnRequestMsg(wish["query"])
        else:
            login.initIdpInitiatedAuthnRequest(wish["sp"])
            login.request.nameIdPolicy.format = lasso.SAML2_NAME_IDENTIFIER_FORMAT_PERSISTENT
            login.request.nameIdPolicy.allowCreate = True
            login.request.protocolBinding = lasso.SAML2_METADATA_BINDING_POST
            login.msgRelayState = wish.get("relayState") or None
            login.processAuthnRequestMsg(None)
        encrypt_for(server.getProvider(login.remoteProviderId), wish.get("encrypt", False))
        login.validateRequestMsg(True, True)
        login.buildAssertion(lasso.SAML2_AUTHN_CONTEXT_PASSWORD, stamp(0), None, stamp(-1), stamp(5))
        statement = lasso.Saml2AttributeStatement()
        attributes = SETTINGS["people"][user]["attributes"]
        statement.attribute = [attribute(name, values) for name, values in attributes.items()]
        login.assertion.attributeStatement = [statement]
        login.buildAuthnResponseMsg()
        if login.identity is not None:  # there is none for transient names
            identities[user] = login.identity.dump()
        sessions[user] = login.session.dump()
        return {"action": login.msgUrl, "encoded": login.msgBody, "relayState": login.msgRelayState}


def send_logout(user, service_provider):
    """Ends a person's session at a service provider by SOAP; lasso verifies the signature of the answer."""
    with LASSO:
        logout = lasso.Logout(server)
        restore(logout, user)
        logout.initRequest(service_provider, lasso.HTTP_METHOD_SOAP)
        logout.setSignatureVerifyHint(lasso.PROFILE_SIGNATURE_VERIFY_HINT_FORCE)
        logout.buildRequestMsg()
        url, body = logout.msgUrl, logout.msgBody
    headers = {"Content-Type": "text/xml", "SOAPAction": '"http://www.oasis-open.org/committees/security"'}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=10) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as refused:
        return {"sent": body, "status": refused.code, "answer": refused.read().decode(), "error": str(refused)}
    with LASSO:
        try:
            logout.processResponseMsg(text)
        except lasso.Error as error:
            return {"sent": body, "status": 200, "answer": text, "error": str(error)}
        sessions.pop(user, None)
        return {"sent": body, "status": 200, "answer": text}


def take_logout(message):
    """Judges a LogoutRequest, a SOAP body or a query: (how to answer, lasso's object)."""
    with LASSO:
        logout = lasso.Logout(server)
        logout.setSignatureVerifyHint(lasso.PROFILE_SIGNATURE_VERIFY_HINT_FORCE)
        entry = {}
        try:
            logout.processRequestMsg(message)
            entry["from"] = logout.remoteProviderId
            entry["nameId"] = logout.nameIdentifier.content if logout.nameIdentifier else None
            user = next((user for user, dump in sessions.items() if entry["nameId"] and entry["nameId"] in dump), None)
            restore(logout, user)
            entry["user"] = user
            logout.validateRequest()
            sessions.pop(user, None)
        except lasso.Error as error:
            entry["error"] = str(error)
        received.append(entry)
        logout.buildResponseMsg()
        return logout.msgUrl, logout.msgBody


def take_logout_response(query):
    with LASSO:
        logout = lasso.Logout(server)
        logout.processResponseMsg(query)


FORM = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Lasso sign-in</title><h1>Lasso sign-in</h1>
<form method="post" action="/sign-in"><input type="hidden" name="token" value="{token}">
<label>Name <input name="username"></label> <label>Password <input type="password" name="password"></label>
<button>Sign in</button></form></html>"""
POSTING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Going on</title>
<form method="post" action="{action}"><input type="hidden" name="SAMLResponse" value="{encoded}">{relay}
<noscript><button>Go on</button></noscript></form><script>document.forms[0].submit()</script></html>"""


def escape(text):
    return html.escape(text, quote=True)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, kind, text, headers=()):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def guarded(self, work):
        try:
            work()
        except lasso.Error as error:
            self.answer(400, "application/json", json.dumps({"error": str(error)}))
        except KeyError as error:
            self.answer(404, "application/json", json.dumps({"error": f"unknown: {error}"}))
        except Exception as error:
            traceback.print_exc()
            self.answer(500, "application/json", json.dumps({"error": repr(error)}))

    def do_GET(self):
        self.guarded(self.get)

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.guarded(self.post)

    def get(self):
        address = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        if address.path == "/metadata":
            self.answer(200, "application/samlmetadata+xml", open(f"{FOLDER}/metadata.xml").read())
        elif address.path == "/sso":
            token = uuid.uuid4().hex
            asked = "SAMLRequest" in query
            pending[token] = {"query": address.query} if asked else {"sp": query["sp"], "relayState": query.get("RelayState")}
            self.answer(200, "text/html", FORM.format(token=token))
        elif address.path == "/slo" and "SAMLRequest" in query:
            url, _ = take_logout(address.query)
            self.answer(302, "text/plain", "", [("Location", url)])
        elif address.path == "/slo":
            take_logout_response(address.query)
            self.answer(200, "text/plain", "signed out")
        elif address.path == "/control/received":
            self.answer(200, "application/json", json.dumps(received))
        else:
            self.answer(404, "text/plain", "nothing here")

    def post(self):
        if self.path == "/slo/soap":
            _, body = take_logout(self.body)
            self.answer(200, "text/xml", body)
        elif self.path == "/sign-in":
            self.sign_in(dict(urllib.parse.parse_qsl(self.body)))
        elif self.path == "/control/service-provider":
            with LASSO:
                server.addProviderFromBuffer(lasso.PROVIDER_ROLE_SP, self.body)
            self.answer(200, "application/json", "{}")
        elif self.path == "/control/respond":
            wish = json.loads(self.body)
            self.answer(200, "application/json", json.dumps(respond(wish["user"], wish)))
        elif self.path == "/control/logout":
            wish = json.loads(self.body)
            self.answer(200, "application/json", json.dumps(send_logout(wish["user"], wish["sp"])))
        else:
            self.answer(404, "text/plain", "nothing here")

    def sign_in(self, fields):
        person = SETTINGS["people"].get(fields.get("username"))
        if person is None or person["password"] != fields.get("password"):
            self.answer(403, "text/html", FORM.format(token=escape(fields.get("token", ""))))
            return
        said = respond(fields["username"], pending.pop(fields["token"]))
        relay = f'<input type="hidden" name="RelayState" value="{escape(said["relayState"])}">' if said["relayState"] else ""
        page = POSTING.format(action=escape(said["action"]), encoded=escape(said["encoded"]), relay=relay)
        self.answer(200, "text/html", page)

    def log_message(self, words, *values):
        print(words % values, flush=True)


http.server.ThreadingHTTPServer((SETTINGS["address"], SETTINGS["port"]), Handler).serve_forever()
