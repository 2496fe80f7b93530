"""Hypothesis strategies: operations that are valid, and answers that need not be."""

import json
import time
from typing import Any

from hypothesis import strategies as st

from engagelab_async import (
    Operation,
    Plan,
    ScheduleInfo,
    SendCode,
    SendCustomMessage,
    SendOTP,
    SendSMS,
    Sent,
    Template,
    Verification,
    VerifyOTP,
)

# ------------------------------------------------------------------------------- operations

characters = st.characters(codec="utf-8")
"""All that UTF-8 can carry: everything but surrogates."""

texts = st.text(characters, min_size=1).filter(str.strip)
"""Strings with something in them."""

recipients = st.from_regex(r"\+?[1-9][0-9]{6,14}", fullmatch=True) | st.emails() | texts

params = st.dictionaries(
    st.text(characters, min_size=1), st.text(characters) | st.integers(), max_size=4
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(characters),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(characters), inner),
    max_leaves=8,
)
"""Whatever JSON can carry."""


def templates(languages: st.SearchStrategy[str | None]) -> st.SearchStrategy[Template]:
    """Templates in one of some languages."""
    return st.builds(Template, texts | st.integers(), languages, params)


speaking_templates = templates(st.none() | texts)
mute_templates = templates(st.none())

moments = st.integers(4 * 60, 29 * 24 * 60 * 60).map(lambda ahead: int(time.time()) + ahead)
"""Unix seconds at which an SMS may be scheduled."""

operations: st.SearchStrategy[Operation[object]] = st.one_of(
    st.builds(SendOTP, recipients, speaking_templates),
    st.builds(SendCode, recipients, texts, speaking_templates),
    st.builds(
        SendCustomMessage,
        recipients | st.lists(recipients, min_size=1, max_size=5),
        mute_templates,
    ),
    st.builds(VerifyOTP, texts, texts),
    st.builds(
        SendSMS,
        st.lists(recipients, min_size=1, max_size=5),
        mute_templates,
        st.none() | texts,
        st.none() | moments,
        st.none() | st.dictionaries(st.text(characters), json_values, max_size=4),
    ),
)
"""Operations of every class."""

# ------------------------------------------------------------------------------- answers

results: st.SearchStrategy[object] = st.one_of(
    st.builds(Sent, st.text(), st.text()),
    st.builds(Verification, st.text(), st.booleans()),
    st.builds(
        Plan,
        st.text(),
        st.integers(),
        st.integers(),
        st.none() | st.text(),
        st.none() | st.builds(ScheduleInfo, st.integers()),
    ),
)
"""Results of every class."""

_digits = st.sampled_from([1, 4, 19, 20, 4300, 5000]).map(lambda length: "9" * length)

_codes = st.sampled_from([0, 1, 1000, 3003, 3004, 5001, 5016, 5999, -1, "0", "5016", True, 1.5])

_values = _codes | _digits | st.none() | st.text() | st.just([]) | st.just({"a": 1})

_documents = st.fixed_dictionaries(
    {"code": _values},
    optional={
        "message": _values,
        "message_id": _values,
        "send_channel": _values,
        "verified": _values,
        "plan_id": _values,
        "total_count": _values,
        "accepted_count": _values,
        "schedule_info": _values | st.fixed_dictionaries({"task_id": _values}),
    },
)

_strange_bodies = st.one_of(
    st.binary(),
    st.integers(1, 200_000).map(lambda depth: b'{"code":' + b"[" * depth),
    _digits.map(lambda digits: b'{"code":%s}' % digits.encode()),
)

_json_bodies = (_documents | json_values).map(lambda document: json.dumps(document).encode())

bodies = _json_bodies | _strange_bodies
"""Bodies of answers: documented ones, nearly documented ones, and anything at all."""

statuses = st.sampled_from([200, 400, 401, 429, 500, 503]) | st.integers(200, 599)

_dates = st.tuples(
    st.sampled_from(["Thu,", "Thursday,", "Thu", ""]),
    st.sampled_from(["09 Oct 2025", "Oct  9", "09-Oct-25", "32 Oct 2025", "1 Jan 1", "9 Oct"]),
    st.sampled_from(["08:53:50", "8:5", "8.5", "25:00:00", ":", ""]),
    st.sampled_from(
        ["GMT", "2025", "99999999999", "-0000", "+2359", "+2400", "-9999999999999", ""]
    ),
).map(" ".join)
"""Dates in the formats of HTTP, and what is left of them when they break."""

_header_values = _dates | _digits | st.text(st.characters(codec="latin-1"))

headers = st.fixed_dictionaries(
    {},
    optional={
        "Retry-After": _header_values,
        "Date": _header_values,
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", ""]),
        "Server": _header_values,
    },
)
"""Headers of answers, most of them those that are read."""
