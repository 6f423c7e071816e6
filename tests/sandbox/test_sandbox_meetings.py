"""The API answers with Zoom's statuses, bodies and limits."""

import re

import pytest
import requests

EVERYTHING = [
    "meeting:write:meeting",
    "meeting:read:meeting",
    "meeting:update:meeting",
    "meeting:delete:meeting",
    "meeting:read:list_meetings",
    "user:read:user",
]


@pytest.fixture
def token(zoom):
    return zoom.connect(scopes=EVERYTHING)["access_token"]


def test_a_meeting_is_created_with_links_that_lead_somewhere(zoom, token):
    answer = zoom.create(token)
    assert answer.status_code == 201
    made = answer.json()
    assert made["id"] > 2**32
    assert made["start_time"] == "2026-11-03T15:00:00Z"
    assert made["settings"]["waiting_room"] is True
    assert made["password"]
    assert made["join_url"].startswith(f"{zoom.process.url}/j/{made['id']}?pwd=")
    joined = zoom.session.get(made["join_url"])
    assert (joined.status_code, "Online consultation" in joined.text) == (200, True)
    started = zoom.session.get(made["start_url"])
    assert (started.status_code, "as Aya" in started.text) == (200, True)
    forged = zoom.session.get(made["start_url"].replace("zak=", "zak=9"))
    assert forged.status_code == 403


def test_a_meeting_can_be_read_moved_and_deleted(zoom, token):
    made = zoom.create(token).json()
    path = f"/meetings/{made['id']}"
    moved = zoom.call("PATCH", path, token, json={"start_time": "2026-11-04T01:00:00Z"})
    assert (moved.status_code, moved.content) == (204, b"")
    seen = zoom.call("GET", path, token).json()
    assert seen["start_time"] == "2026-11-04T01:00:00Z"
    assert (seen["id"], seen["join_url"]) == (made["id"], made["join_url"])
    gone = zoom.call("DELETE", path, token)
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        answer = zoom.call(method, path, token, json={})
        assert (answer.status_code, answer.json()["code"]) == (404, 3001)
    assert zoom.session.get(made["join_url"]).status_code == 404
    assert zoom.get("/api/meetings").json() == []
    assert zoom.get("/api/meetings?all=1").json()[0]["deleted"] is True


def test_meetings_are_listed_page_by_page(zoom, token):
    made = {zoom.create(token, agenda=f"Booking {number}").json()["id"] for number in range(3)}
    first = zoom.call("GET", "/users/me/meetings?page_size=2", token).json()
    rest = zoom.call(
        "GET",
        f"/users/me/meetings?page_size=2&next_page_token={first['next_page_token']}",
        token,
    ).json()
    assert rest["next_page_token"] == ""
    listed = first["meetings"] + rest["meetings"]
    assert {one["id"] for one in listed} == made
    assert {one["agenda"] for one in listed} == {"Booking 0", "Booking 1", "Booking 2"}


def test_me_is_the_host_of_my_meetings(zoom, token):
    me = zoom.call("GET", "/users/me", token).json()
    made = zoom.create(token).json()
    assert (made["host_id"], made["host_email"]) == (me["id"], me["email"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("start_time", "2026-11-03T15:00:00"),
        ("start_time", "2026-11-03T15:00:00+09:00"),
        ("start_time", "2026-13-03T15:00:00Z"),
        ("start_time", None),
        ("topic", "x" * 201),
        ("topic", ""),
        ("agenda", "x" * 2001),
        ("duration", 22.5),
        ("duration", 0),
        ("duration", "30"),
        ("timezone", "Tokyo"),
        ("settings", []),
        ("type", 3),
    ],
)
def test_what_zoom_would_refuse_is_refused_with_300(zoom, token, field, value):
    answer = zoom.create(token, **{field: value})
    assert (answer.status_code, answer.json()["code"]) == (400, 300)
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert zoom.get("/api/meetings").json() == []


def test_the_longest_topic_and_agenda_are_taken(zoom, token):
    assert zoom.create(token, topic="面" * 200, agenda="談" * 2000).status_code == 201


def test_a_body_that_is_not_an_object_is_refused(zoom, token):
    for body in (b"{", b"[]", b""):
        answer = zoom.call("POST", "/users/me/meetings", token, data=body)
        assert (answer.status_code, answer.json()["code"]) == (400, 300)


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer nonsense", "Basic YTpi"])
def test_without_a_token_there_is_nothing(zoom, header):
    answer = zoom.get("/v2/users/me", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()["code"]) == (401, 124)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/users/me/meetings", "meeting:write:meeting"),
        ("GET", "/users/me/meetings", "meeting:read:list_meetings"),
        ("GET", "/meetings/1", "meeting:read:meeting"),
        ("PATCH", "/meetings/1", "meeting:update:meeting"),
        ("DELETE", "/meetings/1", "meeting:delete:meeting"),
        ("GET", "/users/me", "user:read:user"),
    ],
)
def test_a_call_without_its_scope_is_4711(zoom, method, path, scope):
    token = zoom.connect(scopes=[one for one in EVERYTHING if one != scope])["access_token"]
    answer = zoom.call(method, path, token, json={})
    assert (answer.status_code, answer.json()["code"]) == (400, 4711)
    assert f"does not contain scopes:[{scope}]" in answer.json()["message"]


def test_a_user_writes_only_so_many_meetings_a_day(zoom, token):
    zoom.post("/api/settings", json={"daily_limit": 2})
    made = zoom.create(token).json()
    patched = zoom.call("PATCH", f"/meetings/{made['id']}", token, json={"topic": "Other"})
    assert patched.status_code == 204
    refused = zoom.create(token)
    assert (refused.status_code, refused.json()["code"]) == (429, 429)
    assert "daily" in refused.json()["message"]
    assert "Retry-After" not in refused.headers
    other = zoom.connect("mallory")["access_token"]
    assert zoom.create(other).status_code == 201


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("401", 401, 124),
        ("scope-missing", 400, 4711),
        ("not-allowed", 400, 3161),
        ("user-gone", 404, 1001),
        ("429-second", 429, 429),
        ("429-daily", 429, 429),
    ],
)
def test_an_ordered_fault_befalls_the_next_calls_only(zoom, token, kind, status, code):
    zoom.fault(kind, count=2)
    for _ in range(2):
        answer = zoom.create(token)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert zoom.create(token).status_code == 201
    assert len(zoom.get("/api/meetings").json()) == 1


def test_rate_limits_come_with_and_without_retry_after(zoom, token):
    for kind in ("429-second", "429-daily"):
        zoom.fault(kind)
        bare = zoom.create(token)
        assert "Retry-After" not in bare.headers
        assert ("daily" in bare.json()["message"]) == (kind == "429-daily")
    zoom.fault("429-second", seconds=7)
    assert zoom.create(token).headers["Retry-After"] == "7"
    zoom.fault("429-daily", seconds=60)
    until = zoom.create(token).headers["Retry-After"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", until)


def test_a_500_has_no_json(zoom, token):
    zoom.fault("500")
    answer = zoom.create(token)
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (500, "text/html")


def test_a_slow_answer_comes_after_the_work_is_done(zoom, token):
    late = {"topic": "Late", "start_time": "2026-11-03T15:00:00Z", "duration": 30}
    zoom.fault("slow", seconds=1)
    with pytest.raises(requests.ReadTimeout):
        zoom.call("POST", "/users/me/meetings", token, timeout=0.3, json=late)
    assert [one["topic"] for one in zoom.get("/api/meetings").json()] == ["Late"]
    assert zoom.get("/api/calls").json()[-1]["status"] is None


def test_a_call_that_hangs_does_nothing_and_gets_no_answer(zoom, token):
    zoom.fault("hang", seconds=0.2)
    with pytest.raises(requests.ConnectionError):
        zoom.create(token)
    assert zoom.get("/api/meetings").json() == []
    call = zoom.get("/api/calls").json()[-1]
    assert (call["path"], call["status"], call["fault"]) == ("/v2/users/me/meetings", None, "hang")


def test_a_dropped_create_leaves_a_meeting_behind(zoom, token):
    zoom.fault("drop-after-create")
    assert zoom.call("GET", "/users/me", token).status_code == 200
    with pytest.raises(requests.ConnectionError):
        zoom.create(token)
    assert len(zoom.get("/api/meetings").json()) == 1
    assert zoom.create(token).status_code == 201


def test_token_faults_leave_the_right_tokens_behind(zoom):
    first = zoom.connect()
    zoom.fault("token-500")
    assert zoom.refresh(first["refresh_token"]).status_code == 500
    zoom.fault("token-drop")
    with pytest.raises(requests.ConnectionError):
        zoom.refresh(first["refresh_token"])
    assert zoom.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"


def test_faults_can_be_listed_and_cleared(zoom, token):
    zoom.fault("500", count=5)
    zoom.create(token)
    assert zoom.get("/api/faults").json() == [{"kind": "500", "count": 4, "seconds": None}]
    assert zoom.delete("/api/faults").status_code == 204
    assert zoom.create(token).status_code == 201


@pytest.mark.parametrize("body", [{"kind": "x"}, {"kind": "500", "count": 0}, {}, []])
def test_a_fault_that_cannot_be_is_422(zoom, body):
    assert zoom.post("/api/faults", json=body).status_code == 422


@pytest.mark.parametrize(
    "body", [{"expires_in": -1}, {"expires_in": "x"}, {"scopes": ["x"]}, {"colour": 1}]
)
def test_a_setting_that_cannot_be_is_422_and_changes_nothing(zoom, body):
    before = zoom.get("/api/settings").json()
    assert zoom.post("/api/settings", json=body).status_code == 422
    assert zoom.get("/api/settings").json() == before


def test_calls_are_logged_without_tokens(zoom, token):
    zoom.delete("/api/calls")
    zoom.fault("401")
    zoom.create(token)
    zoom.create(token)
    logged = zoom.get("/api/calls")
    seen = [(one["method"], one["path"], one["status"], one["fault"]) for one in logged.json()]
    assert seen == [
        ("POST", "/v2/users/me/meetings", 401, "401"),
        ("POST", "/v2/users/me/meetings", 201, None),
    ]
    assert logged.json()[1]["user"] == "aya"
    assert token not in logged.text
