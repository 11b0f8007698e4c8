"""`fermata` and `python -m fermata_client.cli`."""

import sys


def run() -> None:
    """Run the command line; exits with 2 and says what to install where it is not there."""
    try:
        from fermata_client.cli.app import app
    except ModuleNotFoundError as missing:
        if missing.name not in ("rich", "typer"):
            raise
        print(f"the command line needs {missing.name}: pip install 'fermata-client[cli]'", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    app()


if __name__ == "__main__":
    run()
