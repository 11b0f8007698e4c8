"""A song that is made after a recording: uploaded or linked, checked before anything is paid, and kept to one order."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import miniaudio
import pytest

from tests.integration.song import TLS, Cloud
from tests.songs import wav_file
from tests.support.loopback import Loopback, listening, respond

LEGACY, MUSIC_01, COVER = "aimlapi/minimax-music", "aimlapi/music-01", "minimax/music-cover"
RESOLD_COVER = "aimlapi/minimax/music-cover"
COVERS = (COVER, RESOLD_COVER)
RECORDING: Final = wav_file(16, 16_000)
SHORT: Final = wav_file(8, 16_000)
CANARY: Final = "Signature=canary%2Bof-the-caller"


class Files:
    """A client's own file server: answers by path, and every path that was requested."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | str | int] = {}
        self.turns: dict[str, Iterator[bytes | str | int]] = {}
        """What a path answers one time after the other, where it has turns left; then what it answers otherwise."""
        self.asked: list[str] = []
        files = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                files.asked.append(path)
                answer = next(files.turns.get(path, iter(())), None) or files.answers.get(path, 404)
                self.send_response(200 if isinstance(answer, bytes) else 302 if isinstance(answer, str) else answer)
                if isinstance(answer, str):
                    self.send_header("Location", answer)
                body = answer if isinstance(answer, bytes) else b""
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of the base class
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"

    def offer(self, path: str, answer: bytes | str | int) -> str:
        """The link to a file, a redirect (text) or a bare status, signed by its owner."""
        self.answers[path] = answer
        return f"{self.origin}{path}?{CANARY}"


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    files = Files()
    serving = threading.Thread(target=files.server.serve_forever, daemon=True)
    serving.start()
    yield files
    files.server.shutdown()
    files.server.server_close()
    serving.join(10)


@pytest.fixture(scope="module")
def cloud(files: Files, start_cloud: Callable[..., Cloud]) -> Cloud:
    return start_cloud("--provider-latency", "0.1", "--param", f"TrustedLocalOrigins={files.origin}")


def song(words: str, model: str, reference: dict[str, str], **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """A request; the words identify it on the bill. A cover is styled by a prompt, the others take lyrics alone."""
    prompt = {"prompt": words} if model in COVERS else {}
    return {"model": model, "lyrics": words, "reference": reference, **prompt, **fields}


def posts(cloud: Cloud, model: str, words: str) -> list[dict[str, Any]]:
    """The paid requests that were received for these words."""
    text = words if model in COVERS else f"##{words}##"
    return cloud.posts(model.partition("/")[0], hashlib.sha256(text.encode()).hexdigest())


def offered(cloud: Cloud, size_bytes: int, api_key: str | None = None) -> dict[str, Any]:
    """An upload that a caller may make."""
    with cloud.http(api_key) as http:
        asked = http.post("/v1/references", json={"content_type": "audio/wav", "bytes": size_bytes})
    assert asked.status_code == 201, asked.text
    offer: dict[str, Any] = asked.json()
    return offer


def send(offer: dict[str, Any], recording: bytes, **fields: str) -> httpx.Response:
    """What S3 answers to the form of an offer, with these fields changed."""
    form = offer["upload"]
    files = {"file": ("recording.wav", recording, "audio/wav")}
    return httpx.post(form["url"], data={**form["fields"], **fields}, files=files, verify=TLS)


def upload(cloud: Cloud, recording: bytes = RECORDING, api_key: str | None = None) -> str:
    """Upload a recording as a caller does, and give back its id."""
    offer = offered(cloud, len(recording), api_key)
    assert send(offer, recording).status_code == 204
    return str(offer["id"])


def objects(cloud: Cloud, *names: str) -> set[str]:
    """The names of the objects of this tenant's recordings that begin so."""
    bucket, prefix = cloud.line["outputs"]["AudioBucketName"], f"references/{cloud.line['tenant']}/"
    found = cloud.aws("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {name for each in found if (name := each["Key"].removeprefix(prefix)).startswith(names)}


def assert_made_once(cloud: Cloud, job: dict[str, Any], model: str, words: str) -> None:
    assert job["status"] == "succeeded", job["error"]
    file = httpx.get(job["tracks"][0]["url"], verify=TLS).raise_for_status()
    assert miniaudio.decode(file.content).num_frames > 0
    assert [item["charged"] for item in posts(cloud, model, words)] == [True]


@pytest.mark.parametrize("model", [LEGACY, MUSIC_01, COVER, RESOLD_COVER])
def test_a_song_is_made_after_an_uploaded_recording(cloud: Cloud, model: str) -> None:
    words = f"after an upload with {model}"
    job = cloud.made(song(words, model, {"id": upload(cloud)}))
    assert_made_once(cloud, job, model, words)
    assert (job["reference"] is not None) is (model == MUSIC_01)


@pytest.mark.parametrize("model", [LEGACY, MUSIC_01, COVER, RESOLD_COVER])
def test_a_song_is_made_after_a_link_that_is_fetched_once(cloud: Cloud, files: Files, model: str) -> None:
    words, path = f"after a link with {model}", f"/once/{model}"
    job = cloud.made(song(words, model, {"audio_url": files.offer(path, RECORDING)}))
    assert_made_once(cloud, job, model, words)
    assert files.asked.count(path) == 1


def test_an_upload_is_one_object_however_many_jobs_use_it(cloud: Cloud) -> None:
    reference = upload(cloud)
    jobs: list[str] = []
    for model in (MUSIC_01, LEGACY, MUSIC_01, COVER):
        words = f"after the same upload with {model} {len(jobs)}"
        job = cloud.made(song(words, model, {"id": reference}))
        assert job["status"] == "succeeded", job["error"]
        jobs.append(job["id"])
        # The machine publishes the end, deletes the copy, and only then ends.
        cloud.ended_execution(job["id"])
    assert objects(cloud, reference, *jobs) == {reference}


def uploads(cloud: Cloud) -> int:
    """How many recordings AIML API has received."""
    log = Path(cloud.line["logs_dir"], "simulator-aimlapi.jsonl").read_text("utf-8").splitlines()
    return sum(json.loads(line)["path"].endswith("/minimax/upload") for line in log)


def test_three_songs_in_one_voice_are_one_upload(cloud: Cloud) -> None:
    before, words = uploads(cloud), [f"in one voice {number}" for number in range(3)]
    first = cloud.made(song(words[0], MUSIC_01, {"id": upload(cloud)}))
    voice = {"voice_id": first["reference"]["voice_id"]}
    named = zip(words[1:], [first["reference"], voice], strict=True)
    others = [cloud.submit(song(each, MUSIC_01, reference)) for each, reference in named]
    jobs = [first, *(cloud.finished(each["id"]) for each in others)]
    for job, each in zip(jobs, words, strict=True):
        assert_made_once(cloud, job, MUSIC_01, each)
    assert uploads(cloud) - before == 1
    assert [job["reference"] for job in jobs[1:]] == [None, None]
    assert {attempt["key_alias"] for job in jobs for attempt in cloud.attempts(job["id"])} == {"default"}
    with cloud.http() as http:
        told = http.get(f"/v1/jobs/{jobs[2]['id']}?include=request").json()["request"]
        assert (told["reference"], http.delete(f"/v1/jobs/{first['id']}").status_code) == (voice, 204)
    assert_made_once(cloud, cloud.made(song("after the deletion", MUSIC_01, voice)), MUSIC_01, "after the deletion")
    assert uploads(cloud) - before == 1


def test_another_tenants_voice_is_unknown_unless_the_operator_allows_foreign_ids(cloud: Cloud) -> None:
    made = cloud.made(song("whose voice", MUSIC_01, {"id": upload(cloud)}))["reference"]
    cloud.manage(action="create_tenant", tenant_id="singer")
    cloud.manage(action="grant", tenant_id="singer", credits=1000)
    key = cloud.manage(action="issue_key", tenant_id="singer")["api_key"]
    before = cloud.stored_and_started()
    with cloud.http(key) as http:
        refused = http.post("/v1/jobs", json=song("a foreign voice", MUSIC_01, made))
        assert [each["pointer"] for each in refused.json()["errors"]] == [
            "/reference/voice_id",
            "/reference/instrumental_id",
        ]
        assert (refused.status_code, cloud.left_since(before)) == (422, set())
        cloud.manage(action="set_plan", tenant_id="singer", plan="prepaid", foreign_reference_ids=True)
        accepted = http.post("/v1/jobs", json=song("a foreign voice", MUSIC_01, made)).json()
        cloud.until(lambda: http.get(accepted["urls"]["self"]).json()["status"] == "succeeded")
    assert len(posts(cloud, MUSIC_01, "a foreign voice")) == 1


@pytest.mark.parametrize(
    ("fields", "recording", "status"),
    [
        pytest.param({"Content-Type": "text/html"}, RECORDING, 403, id="html"),
        pytest.param({"Content-Type": "audio/mpeg"}, RECORDING, 403, id="another_type"),
        pytest.param({}, RECORDING + b"!", 400, id="a_byte_more"),
        pytest.param({}, b"<html>", 400, id="another_size"),
    ],
)
def test_an_upload_is_what_was_announced_or_refused(
    cloud: Cloud, fields: dict[str, str], recording: bytes, status: int
) -> None:
    offer = offered(cloud, len(RECORDING))
    assert send(offer, recording, **fields).status_code == status
    assert objects(cloud, offer["id"]) == set()


def test_a_page_that_is_uploaded_as_audio_ends_the_job_unpaid(cloud: Cloud) -> None:
    words, page = "after a page", b"<!doctype html><html><script>alert(1)</script></html>" * 100
    job = cloud.made(song(words, LEGACY, {"id": upload(cloud, page)}))
    assert (job["error"]["code"], job["error"]["provider_charged"]) == ("reference_not_audio", "no")
    assert posts(cloud, LEGACY, words) == []


@pytest.mark.parametrize("model", [LEGACY, MUSIC_01])
def test_a_link_that_answers_differently_each_time_is_fetched_once_and_what_came_is_used(
    cloud: Cloud, files: Files, model: str
) -> None:
    words, path = f"after a link that changes with {model}", f"/changing/{model}"
    link = files.offer(path, 503)
    another = files.offer(f"{path}/another", wav_file(17, 16_000))
    files.turns[path] = iter([503, another, 404])
    job = cloud.made(song(words, model, {"audio_url": link}))
    assert_made_once(cloud, job, model, words)
    assert (files.asked.count(path), files.asked.count(f"{path}/another")) == (2, 1)


def test_a_recording_may_be_a_voice_alone(cloud: Cloud) -> None:
    words = "after a voice alone"
    job = cloud.made(song(words, MUSIC_01, {"id": upload(cloud), "purpose": "voice"}))
    assert_made_once(cloud, job, MUSIC_01, words)


@pytest.mark.parametrize(
    ("model", "recording", "code"),
    [
        pytest.param(LEGACY, SHORT, "reference_too_short", id="8 s where more than 15 s are wanted"),
        pytest.param(MUSIC_01, SHORT, "reference_too_short", id="8 s where more than 10 s are wanted"),
        pytest.param(COVER, b"<html>no song</html>" * 100, "reference_not_audio", id="html"),
        pytest.param(LEGACY, RECORDING[:-20_000], "reference_not_audio", id="cut"),
    ],
)
@pytest.mark.parametrize("way", ["upload", "link"])
def test_a_recording_that_cannot_be_used_is_refused_before_anything_is_paid(
    cloud: Cloud, files: Files, model: str, recording: bytes, code: str, way: str
) -> None:
    words = f"unusable {code} {way} {model} {len(recording)}"
    link = files.offer(f"/unusable/{hashlib.sha256(words.encode()).hexdigest()}", recording)
    reference = {"id": upload(cloud, recording)} if way == "upload" else {"audio_url": link}
    job = cloud.made(song(words, model, reference))
    error = job["error"]
    assert (job["status"], error["class"], error["code"], error["provider_charged"]) == (
        "failed",
        "invalid_request",
        code,
        "no",
    )
    assert (job["attempt_count"], posts(cloud, model, words)) == (0, [])


def test_a_dead_link_ends_the_job_unpaid(cloud: Cloud, files: Files) -> None:
    words = "a dead link"
    job = cloud.made(song(words, LEGACY, {"audio_url": files.offer("/dead", 403)}))
    assert (job["error"]["code"], job["error"]["class"]) == ("reference_gone", "invalid_request")
    assert (job["attempt_count"], posts(cloud, LEGACY, words)) == (0, [])


@pytest.fixture
def elsewhere() -> Iterator[Loopback]:
    """Another server on this machine, which is not trusted."""
    with listening(respond(RECORDING)) as server:
        yield server


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:{port}/a", "https://127.0.0.1:{port}/a", "https://[::ffff:10.0.0.1]/a", "https://2130706433/"],
)
def test_a_redirect_to_a_private_host_is_refused_without_a_connection(
    cloud: Cloud, files: Files, elsewhere: Loopback, location: str
) -> None:
    words = f"redirected to {location}"
    path = f"/redirect/{hashlib.sha256(words.encode()).hexdigest()}"
    link = files.offer(path, location.format(port=elsewhere.port))
    job = cloud.made(song(words, LEGACY, {"audio_url": link}))
    assert (job["error"]["class"], job["error"]["code"]) == ("invalid_request", "reference_link_unsafe")
    assert (elsewhere.connections, posts(cloud, LEGACY, words)) == (0, [])


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:{port}/a", "https://127.0.0.1/a", "https://169.254.169.254/a", "https://localhost/a"]
)
def test_a_link_to_a_private_host_is_no_request(cloud: Cloud, elsewhere: Loopback, link: str) -> None:
    before = cloud.stored_and_started()
    with cloud.http() as http:
        answer = http.post("/v1/jobs", json=song("private", LEGACY, {"audio_url": link.format(port=elsewhere.port)}))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reference/audio_url")
    assert (cloud.left_since(before), elsewhere.connections) == (set(), 0)


def test_another_tenants_recording_is_unknown(cloud: Cloud) -> None:
    cloud.manage(action="create_tenant", tenant_id="other")
    key = cloud.manage(action="issue_key", tenant_id="other")["api_key"]
    foreign = upload(cloud, api_key=key)
    before = cloud.stored_and_started()
    with cloud.http() as http:
        answers = [
            http.post("/v1/jobs", json=song("not mine", LEGACY, {"id": each}))
            for each in (foreign, foreign[:-1] + ("0" if foreign[-1] != "0" else "1"))
        ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json()["errors"] == answers[1].json()["errors"]
    assert "POST /v1/references" in answers[0].json()["detail"]
    assert cloud.left_since(before) == set()


@pytest.mark.parametrize("fault", ["http:503", "html"])
def test_an_upload_that_the_provider_did_not_take_is_repeated_and_the_song_is_bought_once(
    cloud: Cloud, fault: str
) -> None:
    words = f"upload refused with {fault}"
    cloud.fault("aimlapi", fault, "upload", "song")
    job = cloud.made(song(words, MUSIC_01, {"id": upload(cloud)}))
    assert_made_once(cloud, job, MUSIC_01, words)
    assert [attempt["provider_charged"] for attempt in cloud.attempts(job["id"])] == ["no", "yes"]


def test_a_fallback_takes_the_same_recording_where_the_first_provider_does_not(cloud: Cloud, files: Files) -> None:
    words, path = "the recording goes to the fallback", "/fallback"
    cloud.fault("aimlapi", "http:403", "upload", "song")
    link = files.offer(path, RECORDING)
    job = cloud.made(song(words, MUSIC_01, {"audio_url": link}, fallbacks=[LEGACY]))
    assert job["status"] == "succeeded", job["error"]
    told = [(each["model"], each["error_class"], each["provider_charged"]) for each in cloud.attempts(job["id"])]
    assert told == [("music-01", "out_of_credit", "no"), ("minimax-music", None, "yes")]
    assert len(posts(cloud, LEGACY, words)) == 1
    assert files.asked.count(path) == 1


def test_a_function_killed_while_it_fetches_the_recording_is_run_again(cloud: Cloud, files: Files) -> None:
    words = "killed while fetching"
    arrived, go_on = threading.Event(), threading.Event()
    path = "/slow"
    link = files.offer(path, RECORDING)

    class Slow(dict[str, Any]):
        """Holds the first answer back until the function that requested it is gone."""

        def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - the signature of dict
            if key == path and not arrived.is_set():
                arrived.set()
                go_on.wait(60)
            return super().get(key, default)

    files.answers = Slow(files.answers)
    job = cloud.submit(song(words, LEGACY, {"audio_url": link}))
    assert arrived.wait(60)
    cloud.kill_function("PrepareReferenceFunction")
    go_on.set()
    assert_made_once(cloud, cloud.finished(job["id"]), LEGACY, words)
    assert files.asked.count(path) == 2


def test_no_link_of_a_recording_is_in_any_log_or_state(cloud: Cloud, files: Files) -> None:
    job = cloud.made(song("nothing is told", LEGACY, {"audio_url": files.offer("/canary", RECORDING)}))
    uploaded = cloud.made(song("nothing is told either", MUSIC_01, {"id": upload(cloud)}))
    logs = "".join(path.read_text() for path in Path(cloud.line["logs_dir"]).glob("*.jsonl"))
    states = ""
    for each in (job, uploaded):
        assert each["status"] == "succeeded", each["error"]
        history = cloud.aws("stepfunctions").get_execution_history(executionArn=cloud.ended_execution(each["id"]))
        states += str(history["events"])
    for secret in ("canary", "X-Amz-Signature", "x-amz-signature", "nothing is told"):
        assert secret not in logs
        assert secret not in states
    assert "canary" not in str([job, cloud.attempts(job["id"])])
    assert "PrepareReference" in states
