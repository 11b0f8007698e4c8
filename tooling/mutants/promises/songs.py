"""What is done for a song after it was bought: patience, rescue, deletion and the references of orders."""

from typing import Final

from tooling.mutants.mutant import FERMATA, Mutant

SONGS: Final = (
    Mutant(
        "patience: the first poll that tells nothing ends the job",
        f"{FERMATA}/use_cases/generation/follow/poll_generation.py",
        "if ports.patience.gives_up_polling(retries, now):",
        "if True:",
        (
            "tests/unit/use_cases/generation/follow/test_poll_generation.py::test_a_song_that_is_there_after_the_trouble_is_taken",
        ),
    ),
    Mutant(
        "patience: any answer makes a route the one that knows the task",
        f"{FERMATA}/use_cases/generation/follow/ask_task.py",
        "return outcome.reported if isinstance(outcome, StillRunning) else not isinstance(outcome, Trouble)",
        "return not _not_found(outcome)",
        ("tests/unit/use_cases/generation/follow/test_polling_routes.py",),
    ),
    Mutant(
        "links: asking for a new one throws the known ones away",
        f"{FERMATA}/domain/jobs/attempt.py",
        "state=AttemptState.GENERATING, finished_at=None, link_renewals=self.link_renewals + 1, awaits=numbers",
        "state=AttemptState.GENERATING, audio=None, link_renewals=self.link_renewals + 1, awaits=numbers",
        (
            "tests/unit/use_cases/generation/finish/test_storing_every_song.py::test_a_dead_link_does_not_throw_away_the_other_songs_busy_one",
        ),
    ),
    Mutant(
        "rescue: two runs fetch the same song",
        f"{FERMATA}/domain/jobs/rescue_record.py",
        "return self.lease is not None and now < self.lease.until",
        "return False",
        (
            "tests/unit/use_cases/generation/finish/test_rescue_audio.py::test_a_run_beside_one_that_fetches_ends_at_once",
        ),
    ),
    Mutant(
        "deletion: files before the record",
        f"{FERMATA}/use_cases/orders/delete_job.py",
        "    erase_files(_tombstone(job_id, tenant_id, ports.jobs, now), ports, now)",
        "    erase_files(find_job_or_tombstone(job_id, tenant_id, ports.jobs), ports, now)\n"
        "    _tombstone(job_id, tenant_id, ports.jobs, now)",
        ("tests/unit/use_cases/orders/test_delete_job.py::test_no_caller_sees_a_job_whose_files_are_gone",),
    ),
    Mutant(
        "deletion: nobody finishes one that died",
        f"{FERMATA}/use_cases/generation/finish/reap_jobs.py",
        "return _finish_deletion(job, ports, now) if is_to_erase else _rescue(job, ports, now)",
        "return _rescue(job, ports, now)",
        (
            "tests/unit/use_cases/orders/test_delete_job.py::test_a_deletion_that_dies_is_finished_by_the_reaper_once_it_has_begun",
        ),
    ),
    Mutant(
        "deletion: pieces that come later stay",
        f"{FERMATA}/domain/finish/tombstone.py",
        "    return again_at if now < again_at else None",
        "    return None",
        (
            "tests/unit/use_cases/orders/test_delete_job.py::test_pieces_of_a_live_song_that_come_after_its_deletion_are_deleted_when_no_run_is_left",
        ),
    ),
    Mutant(
        "deletion: a run that wakes later leaves its piece",
        f"{FERMATA}/use_cases/live/publish_pieces.py",
        "self.ports.jobs.load(self.job_id) if self._has_begun else None",
        "self.ports.jobs.load(self.job_id) if self.published else None",
        (
            "tests/unit/use_cases/live/test_publish_pieces.py::test_a_piece_that_was_frozen_until_after_the_deletion_is_deleted_with_its_note",
        ),
    ),
    Mutant(
        "disk: a full one loses a paid answer",
        f"{FERMATA}/adapters/s3/answer_store.py",
        "except (DiskFullError, OSError) as error:",
        "except ZeroDivisionError as error:",
        ("tests/unit/use_cases/generation/test_full_disk.py::test_a_paid_answer_is_staged_whole_without_any_room",),
    ),
    Mutant(
        "disk: what a killed run left stays",
        f"{FERMATA}/scratch.py",
        "fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "return False",
        ("tests/unit/test_scratch.py",),
    ),
    Mutant(
        "references: a run leaves its copy behind a job that ended meanwhile",
        f"{FERMATA}/use_cases/generation/purchase/prepare_reference.py",
        "if ports.jobs.load_existing(job.id).status.is_terminal:",
        "if False:",
        (
            "tests/unit/use_cases/generation/purchase/test_prepare_reference.py::test_a_run_whose_job_ended_while_it_fetched_leaves_no_copy",
        ),
    ),
    Mutant(
        "references: a drip is read to the deadline",
        f"{FERMATA}/adapters/http/transport.py",
        "if self._window_bytes < slowest.window_bytes:",
        "if False:",
        ("tests/unit/adapters/http/test_slowest_rate.py",),
    ),
    Mutant(
        "references: ids of another tenant's recording are ordered with",
        f"{FERMATA}/use_cases/orders/named_reference.py",
        "if unknown and not _may_name_any(tenant_id, wallets):",
        "if False:",
        (
            "tests/unit/use_cases/orders/test_named_reference.py::test_another_tenants_ids_are_refused_like_ids_that_nobody_has",
        ),
    ),
    Mutant(
        "references: named ids are ordered under the current key, whose account does not have them",
        f"{FERMATA}/use_cases/generation/purchase/before_purchase.py",
        "return (named.key_alias, keys.by_alias(named.provider, named.key_alias)) if named.key_alias else current",
        "return current",
        (
            "tests/unit/use_cases/generation/purchase/test_ordering_with_ids.py::test_the_order_has_the_ids_and_the_key_of_their_account",
        ),
    ),
    Mutant(
        "references: a job shows ids that its tenant cannot name",
        f"{FERMATA}/use_cases/generation/purchase/prepare_reference.py",
        "    ports.reference_ids.remember(job.tenant_id, ids)\n",
        "",
        (
            "tests/unit/use_cases/generation/purchase/test_ordering_with_ids.py::test_the_ids_of_an_upload_are_remembered_for_the_tenant_under_the_key_that_made_them",
        ),
    ),
    Mutant(
        "references: an upload that changed is handed over",
        f"{FERMATA}/use_cases/generation/purchase/prepare_reference.py",
        "_write(stored, file, reference.bytes) != reference.sha256",
        "_write(stored, file, reference.bytes) is None",
        (
            "tests/unit/use_cases/generation/purchase/test_prepare_reference.py::test_an_upload_that_changed_after_it_was_measured_ends_the_job_unpaid",
        ),
    ),
    Mutant(
        "marks: two equal files count as two songs because their marks differ",
        f"{FERMATA}/domain/jobs/shares.py",
        "{track.number: track.provider_sha256 for track in tracks}",
        "{track.number: track.sha256 for track in tracks}",
        (
            "tests/unit/use_cases/generation/finish/test_storing_every_song.py::test_two_files_that_the_provider_made_equal_are_one_song_whatever_their_marks",
        ),
    ),
    Mutant(
        "marks: a redelivery compares its songs with marked ones",
        f"{FERMATA}/domain/finish/redelivery.py",
        "{track.number: track.provider_sha256 for track in job.tracks}",
        "{track.number: track.sha256 for track in job.tracks}",
        (
            "tests/unit/domain/finish/test_redelivery.py::test_a_redelivery_knows_marked_songs_by_what_their_provider_sent",
        ),
    ),
    Mutant(
        "marks: an error of a mark costs the song",
        f"{FERMATA}/use_cases/generation/finish/mark_song.py",
        "    except Exception as error:",
        "    except DiskFullError as error:",
        (
            "tests/unit/use_cases/generation/finish/test_mark_song.py::test_a_song_is_stored_as_it_came_whatever_goes_wrong_with_its_marks",
        ),
    ),
)
