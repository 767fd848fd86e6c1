"""The stage `report`: results.json, report.html, and the model card, from what the other stages left."""

from typing import Any

from groundup import files
from groundup.runs.context import Context


def run(context: Context) -> dict[str, Any]:
    """Write the three; the card and groundup.json go beside the published model (see `runs.publish`)."""
    from groundup.runs import about, card, report, results

    kept = context.run_folder / "forecast.json"
    found = results.gather(context, files.read_json(kept) if kept.is_file() else None)
    files.write_json(context.folder / "results.json", found)
    files.write_text(context.folder / "report.html", report.render(context, found))
    if context.models:
        told = about.about(context, found)
        (context.folder / "card").mkdir(exist_ok=True)
        files.write_json(context.folder / "card" / "groundup.json", told)
        files.write_text(context.folder / "card" / "README.md", card.card(found, told))
    return {}
