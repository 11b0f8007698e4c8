"""A paid song that could not be stored is redelivered: it plays, and no provider makes it again."""

import hashlib

import httpx

from tests.integration.song import TLS, Cloud, request

AIML = "aimlapi/minimax/music-2.0"


def test_a_song_whose_storing_failed_is_redelivered_and_plays(cloud: Cloud) -> None:
    prompt = "stored at the second go"
    # The first link, and the one that is requested instead.
    cloud.fault("aimlapi", "link:https://10.0.0.1/song.mp3", "poll", prompt, times=2)
    failed = cloud.made(request(prompt, model=AIML))
    assert (failed["status"], failed["error"]["code"], failed["charged"]) == ("failed", "unsafe_link", "refunded")
    bill = cloud.posts("aimlapi", hashlib.sha256(prompt.encode()).hexdigest())
    assert len(bill) == 1

    code, answer, said = cloud.admin("redeliver", failed["id"])
    assert (code, answer.get("recovered_from")) == (0, failed["id"]), said
    job = cloud.finished(answer["job_id"])
    assert (job["status"], job["charged"], job["recovered_from"]) == ("succeeded", "yes", failed["id"])
    song = httpx.get(job["tracks"][0]["url"], verify=TLS).raise_for_status().content
    assert hashlib.sha256(song).hexdigest() == job["tracks"][0]["sha256"]

    assert cloud.posts("aimlapi", hashlib.sha256(prompt.encode()).hexdigest()) == bill
    assert cloud.job(failed["id"]) == failed
    code, again, _ = cloud.admin("redeliver", failed["id"])
    assert (code, again["job_id"], again["status"]) == (0, job["id"], "succeeded")


def test_a_job_without_a_song_is_not_redelivered_and_says_why(cloud: Cloud) -> None:
    refused = cloud.made(request("refused by its provider [[fault:code:1026]]"))
    code, _, said = cloud.admin("redeliver", refused["id"])
    assert (code, "is no song" in said) == (2, True)
    delivered = cloud.made(request("delivered at once"))
    code, _, said = cloud.admin("redeliver", delivered["id"])
    assert (code, "the job is succeeded" in said) == (2, True)
    assert cloud.admin("redeliver", "job_01JD0ABCDEFGHJKMNPQRSTVWXZ").code == 2
