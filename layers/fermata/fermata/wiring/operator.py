"""Wires the operator's use cases."""

from typing import TYPE_CHECKING

from fermata import config
from fermata.wiring import outward, runtime, stores

if TYPE_CHECKING:
    from fermata.use_cases.operator.check_provider import CheckPorts
    from fermata.use_cases.operator.look import LookPorts
    from fermata.use_cases.operator.manage_tenants import ManagePorts
    from fermata.use_cases.operator.validate_settings import SettingsPorts
    from fermata.use_cases.restore.prepare_table import TablePorts
    from fermata.use_cases.restore.recover_jobs import RecoverPorts


def manage_ports() -> "ManagePorts":
    """Return the ports of `manage_tenants`."""
    from fermata.use_cases.operator.list_recoverable import RecoverablePorts
    from fermata.use_cases.operator.manage_tenants import ManagePorts
    from fermata.use_cases.operator.reconcile import ReconcilePorts
    from fermata.use_cases.operator.redeliver import RedeliverPorts
    from fermata.use_cases.webhooks.set_endpoint import EndpointPorts

    settings = config.load(config.ManageSettings)
    return ManagePorts(
        tenants=stores.tenant_store(),
        wallets=stores.wallet_store(),
        provider_states=stores.provider_states(),
        brakes=stores.brake_store(),
        triggers=stores.trigger_store(),
        reconcile=ReconcilePorts(stores.job_store(), stores.purchases()),
        redeliver=RedeliverPorts(
            jobs=stores.job_store(),
            answers=stores.answer_store(settings.audio_bucket),
            providers=outward.provider,
            machine=outward.job_machine(settings.music_job_machine_arn),
            first_check_s=settings.reaper_first_check_seconds,
        ),
        recoverable=RecoverablePorts(stores.job_store(), stores.recoverable_jobs()),
        recover=recover_ports,
        webhooks=EndpointPorts(stores.webhook_store(), settings.trusted.webhooks),
        check=check_ports,
        budget=stores.budget_micro_usd,
        look=_look_ports(),
    )


def _look_ports() -> "LookPorts":
    from fermata.use_cases.operator.list_recoverable import RecoverablePorts
    from fermata.use_cases.operator.look import LookPorts

    return LookPorts(
        tenants=stores.tenant_store(),
        wallets=stores.wallet_store(),
        triggers=stores.trigger_store(),
        jobs=stores.job_store(),
        usage=stores.usage_store(),
        brakes=stores.brake_store(),
        provider_states=stores.provider_states(),
        catalogue=stores.catalogue,
        purchases=stores.purchases(),
        recoverable=RecoverablePorts(stores.job_store(), stores.recoverable_jobs()),
        due=stores.due_jobs(),
    )


def check_ports() -> "CheckPorts":
    """Return the ports of `check_provider`. Each check reads the keys again, so that a new one is checked at once."""
    from fermata.use_cases.operator.check_provider import CHECK_WITHIN_S, CheckPorts

    settings = config.load(config.ManageSettings)
    return CheckPorts(
        upstream=outward.upstream(settings, CHECK_WITHIN_S),
        keys=outward.fresh_provider_keys(settings.provider_keys_secret_arn),
        checks=outward.key_check,
    )


def settings_ports() -> "SettingsPorts":
    """Return the ports of `validate_settings`, with the shipped catalogue, because settings are checked against it."""
    from fermata.use_cases.operator.validate_settings import SettingsPorts

    settings = config.load(config.TrustedOriginSettings)
    return SettingsPorts(stores.settings_store(), runtime.catalogue(), settings.trusted_local_origins)


def recover_ports() -> "RecoverPorts":
    """Return the ports of `recover_jobs`."""
    from fermata.use_cases.restore.recover_jobs import RecoverPorts

    settings = config.load(config.ManageSettings)
    return RecoverPorts(
        jobs=stores.job_store(),
        due=stores.due_jobs(),
        answers=stores.answer_store(settings.audio_bucket),
        tracks=stores.track_store(settings.audio_bucket),
        providers=outward.provider,
        machine=outward.job_machine(settings.music_job_machine_arn),
        restored_at=settings.table_restored_at,
        clock=runtime.now,
    )


def table_ports() -> "TablePorts":
    """Return the ports of `prepare_table`."""
    from fermata.use_cases.restore.prepare_table import TablePorts

    return TablePorts(
        table=stores.restored_table(),
        brakes=stores.brake_store(),
        due=stores.due_jobs(),
        jobs=stores.job_store(),
        providers=runtime.catalogue().provider_ids(),
    )
