"""Orders without HTTP: files in the inbox on S3, whatever they are called, and events on the bus of requests."""

from tests.e2e.stack import Stack

ODD_NAME = "two words/a+b=c & 100% für Mäx 日本 ♫"
"""S3's older notifications encode these for URLs; the name of the results is the one that was put in."""


def test_a_file_of_lines_becomes_its_jobs_and_says_which_lines_are_wrong(stack: Stack) -> None:
    name = f"{stack.run}/{ODD_NAME}.jsonl"
    stack.put_in(name, stack.body("line"), b"nonsense")
    counts = stack.result(name, "completed.json")
    assert (counts["lines"], counts["accepted"], counts["bad"], counts["failed"]) == (2, 1, 1, 0)
    accepted = stack.result(name, "000001.accepted.json")
    job = stack.finished(accepted["job_id"])
    assert (job["status"], job["metadata"]["order"]) == ("succeeded", "line")
    assert [each["id"] for each in stack.jobs(order="line")] == [job["id"]]


def test_a_file_with_one_request_becomes_a_job(stack: Stack) -> None:
    name = f"{stack.run}/{ODD_NAME}.json"
    stack.put_in(name, stack.body("file"))
    result = stack.result(name, "result.json")
    assert result["status"] == "accepted"
    job = stack.finished(result["job_id"])
    assert (job["status"], job["spent_credits"]) == ("succeeded", job["price_credits"])


def test_a_file_that_is_no_request_is_refused_in_its_result(stack: Stack) -> None:
    name = f"{stack.run}/refused {ODD_NAME}.json"
    stack.put_in(name, {**stack.body("file"), "tempo": 90})
    result = stack.result(name, "result.json")
    assert (result["status"], result["problem"]["type"]) == ("refused", "urn:fermata:problem:invalid_request")


def test_an_event_that_is_put_twice_is_one_job(stack: Stack) -> None:
    detail = {**stack.body("event"), "idempotency_key": f"{stack.run}-event"}
    for _ in range(2):
        stack.put_event(detail)
    stack.until(lambda: stack.jobs(order="event"), "the job of an event")
    (job,) = stack.jobs(order="event")
    assert stack.finished(job["id"])["status"] == "succeeded"
    assert len(stack.jobs(order="event")) == 1
