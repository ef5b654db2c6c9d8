"""The `mlops` command: each subcommand is imported only when it is called."""

import errno
from importlib import import_module
from typing import Any

import click

from mlops_assets.errors import MlopsError, nearest

_COMMANDS = {
    "approve": "Say yes to the release that waits.",
    "compare": "What differs between two model versions or runs.",
    "contract": "The contract in force, and what a change of it would mean.",
    "demo": "Replay a real year of flights through the sensors.",
    "diff": "What differs between two versions of a table.",
    "eda": "The whole exploration of a dataset's version, as a page.",
    "features": "Who owns, uses and refreshes which features; look them up.",
    "gc": "Remove the versions that their retention lets go, and what killed writers left.",
    "history": "Who released what, when, and on what evidence.",
    "ingest": "Take the rows of streams, as JSON lines over HTTP.",
    "promote": "Release what a verdict accepts, or override it by name.",
    "pull": "Fetch the new rows of a dataset now.",
    "quarantine": "Look at quarantined rows, mend and release them.",
    "reroll": "Bring back data, code, environment and model of a snapshot.",
    "retrain": "Ask for a challenger, pause or resume, and see what was decided and why.",
    "rollback": "Back to the version that was champion before.",
    "serve": "Serve every released model over HTTP.",
    "stress": "Find where a model bends under load, and set its limits.",
    "status": "What each dataset and model is doing.",
    "trial": "Try a version beside the champion, in its shadow or as a canary.",
    "up": "Run the whole stack: UI, daemon and report pages.",
    "versions": "Every version of a table: when, by which run, from which code.",
}


class _Commands(click.Group):
    """Finds a subcommand in the module of the same name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Every subcommand, sorted."""
        return sorted(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's own signature
        cmd_name: str,
    ) -> click.Command | None:
        """Import one subcommand."""
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = getattr(import_module(f"mlops_assets.cli.{cmd_name}"), cmd_name)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:  # click's own return type is a wide union
        """Answer an unknown subcommand with the nearest one."""
        if args and args[0] not in _COMMANDS and (near := nearest(args[0], _COMMANDS)):
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near}'?")
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's own signature
        formatter: click.HelpFormatter,
    ) -> None:
        """List the subcommands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:  # whatever the subcommand returns
        """Show our own errors, and a full disk, as a line, not as a traceback."""
        try:
            return super().invoke(ctx)
        except MlopsError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            full = MlopsError.of("the disk is full", got=error.filename, step="make room, and run it again")
            raise click.ClickException(str(full)) from error


@click.command(cls=_Commands)
@click.version_option(package_name="mlops_assets")
def main() -> None:
    """Datasets, features, models and their watch as versioned assets on Dagster."""
