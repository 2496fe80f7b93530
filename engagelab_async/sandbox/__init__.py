"""The EngageLab API, played on this machine: no account, no cost, no real message.

::

    Sandbox            puts it together, starts and stops it                         _server.py
    ├── uvicorn        serves a socket, in a thread of its own                       serving.py
    ├── the HTTP app   paths, credentials, JSON, sizes; nothing about messages       app.py
    │   ├── how an operation is declared, with the method that carries it out        operations.py
    │   │   ├── what their requests and answers hold                     otp_api.py, sms_api.py
    │   │   ├── how a body is decoded, or refused                                    bodies.py
    │   │   └── the documents in OpenAPI, callbacks included   openapi.py, callback_rows.py
    │   ├── which keys may call what, and how often                      keys.py, quotas.py
    │   └── Platform   the sends as plain functions of a decoded body                platform.py
    │       ├── balances, which sends consume                                        balances.py
    │       ├── templates and signatures of both products       otp_configs.py, sms_configs.py
    │       ├── how they are kept and reviewed                                configs.py, reviews.py
    │       ├── recipients, the magic ones among them                                recipients.py
    │       ├── which template a send means, and its text                            templates.py
    │       ├── codes: live, expired, verified                                       codes.py
    │       ├── what was sent                                                        outbox.py
    │       ├── Simulation: what becomes of it, and manual changes                   simulation.py
    │       │   ├── the statuses, as a plan                                          lifecycle.py
    │       │   ├── callbacks: where to, what is in them, what came of each          callbacks.py
    │       │   └── sends them, and retries                                  callback_sender.py
    │       └── the documented errors                                                refusals.py
    ├── StateLoop      the event loop that owns all of this                          loop.py
    ├── Persistence    stores the state in a file                                    persistence.py
    ├── Recorder       records a run, and replays it as a test                       recording.py
    ├── FaultPlayer    what goes wrong on demand                                     faults/
    └── Inbox          a page in the browser that shows all of it                    inbox/
        └── Guard      who may see it                                                guards.py

It answers ``/otp/v1/{messages,codes,verifications,custom-messages}``, ``/sms/v1/messages``,
``/otp/v1/template-configs``, ``/sms/v1/{template-configs,sign-configs}`` and the ``/v1/balance`` of
both as the vendor's pages say. Where they say nothing, it does what seems most plausible:

- Any key and secret will do, the vendor's public pair `DEMO_CREDENTIALS` too, unless `Sandbox` is
  given credentials; then a product takes its own pair and nothing else. The vendor's pages spell
  the public pair in two ways; a product that is given one of them takes both. An `ApiKey` can
  expire (2002), and be limited to sending, to verifying or to addresses (2004); what is limited
  reads neither balance nor templates.
- Any template id will do, except one that begins with ``missing``: that template does not exist
  (4001). A `Sandbox` that is given templates knows those and the vendor's `DEMO_TEMPLATES`, and
  answers 4001 to any other id; it lists those that it was given as approved. Text with
  ``{{code}}`` in it makes a template a verification one.
- A code is live until it expires or is verified, and while it is live the same template to the
  same recipient answers 3004. Custom messages are not limited.
- A custom message to several recipients has one message id for all; if one of them is refused,
  nothing is sent. An SMS target that cannot be reached is dropped without a word, and a plan all
  of whose targets were dropped is still answered with 200, its ``accepted_count`` being 0.
- A scheduled SMS is listed at once, with its ``scheduled_for``.
- A number that no country has, such as one whose first digit is 0, is dropped by SMS and answered
  5011 by OTP.
- The API documents no rate limit; a `Sandbox` that is given a `Quota` answers as a gateway would,
  with HTTP 429 and ``Retry-After``.
- A message goes out on the first channel of its template's strategy. Where that does not deliver,
  it is sent on the next. `Sandbox.fail` fails one channel.
- A message costs 0.005 US dollars. A `Sandbox` that is given a balance answers 3003, ``insufficient
  balance``, to what it cannot pay; otherwise the account may be overdrawn.
- ``PUT /otp/v1/sandbox/webhook``, a call of the vendor's sandbox, sets `Sandbox.callbacks`.
- A template that was created is what its id means from then on: until it is approved a send is
  answered 3003, and after it was deleted 4001. Each is reviewed as `Sandbox.review` says, which
  approves after a second. A plan uses its template until it is due; a template uses its signature.

`MAGIC_RECIPIENTS` lists the recipients that have special effects: up to +10000000099 and
sandbox@example.com those of the vendor, and besides one for each error code, such as +10000005020.

A message is delivered two seconds after it was sent. `Callbacks` report that, and
every other status: ``lifecycle.py`` has them all. Their rows look like the vendor's examples. Where
those say nothing: a wrong guess at a code reports ``verified_failed``, and the code stays live; a
target that SMS drops reports ``target_invalid``.

A number may be written without its ``+``. SMS does not have the errors 5011 to 5020; a target that
stands for one of them is dropped there.
"""

from engagelab_async.extras import install_hint

try:
    from ._server import Sandbox
except ModuleNotFoundError as _error:
    _error.add_note(f"The sandbox is an extra: {install_hint('sandbox')}")
    raise
from .callbacks import CallbackDelivery, Callbacks, CallbackTry
from .faults.fault import Fault
from .faults.register import ActiveFault, Faults
from .keys import DEMO_CREDENTIALS, ApiKey
from .lifecycle import Reply, StatusChange
from .outbox import SentMessage
from .persistence import StoreError
from .quotas import Quota
from .recipients import MAGIC_RECIPIENTS, MagicRecipient
from .reviews import Review
from .templates import DEMO_TEMPLATE, DEMO_TEMPLATES

__all__ = [
    "DEMO_CREDENTIALS",
    "DEMO_TEMPLATE",
    "DEMO_TEMPLATES",
    "MAGIC_RECIPIENTS",
    "ActiveFault",
    "ApiKey",
    "CallbackDelivery",
    "CallbackTry",
    "Callbacks",
    "Fault",
    "Faults",
    "MagicRecipient",
    "Quota",
    "Reply",
    "Review",
    "Sandbox",
    "SentMessage",
    "StatusChange",
    "StoreError",
]
