"""A check as one self-contained HTML page: verdicts, counts, coverage, traces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from itertools import count

from slotspec.diagrams.description import Charts
from slotspec.diagrams.formats import Format, render
from slotspec.diagrams.lifecycles import painted
from slotspec.diagrams.palette import DARK, FAMILY, LIGHT
from slotspec.diagrams.sequence_svg import sequence_svg
from slotspec.diagrams.sequences import of_finding
from slotspec.statemachine.declaration.model import Kind
from slotspec.statemachine.formatting import for_ever, formatter_of
from slotspec.statemachine.results import Finding, Result, Verdict

MARKS = {
    Verdict.HOLDS: ("good", "\N{CHECK MARK}"),
    Verdict.VIOLATED: ("bad", "\N{MULTIPLICATION X}"),
    Verdict.DEVIATES: ("mark", "\N{NOT EQUAL TO}"),
    Verdict.UNKNOWN: ("faint", "?"),
}
"""Verdict -> colour and sign; the page also names the verdict."""
LONGEST = 120
"""Steps of a trace to draw; the page says how many it leaves out."""


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{role}:{colour};" for role, colour in colours.items())


def style() -> str:
    """The style sheet of pages: colours as variables, in the light or dark mode of the reader."""
    return (
        f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
        + re.sub(r"\s*\n\s*", "", _RULES).replace("FAMILY", FAMILY)
    )


_RULES = """
.slotspec{font:15px/1.5 FAMILY;color:var(--ink);background:var(--paper)}
.slotspec h1{font-size:1.5rem;margin:.2rem 0 .4rem}
.slotspec h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--rule)}
.slotspec h3{font-size:1rem;margin:1.2rem 0 .4rem}
.slotspec p{max-width:75ch}
.slotspec .wide{overflow-x:auto;max-width:100%}
.slotspec table{border-collapse:collapse;font-size:.9rem}
.slotspec th,.slotspec td{border:1px solid var(--rule);padding:.3rem .6rem;
text-align:left;vertical-align:top}
.slotspec th{background:var(--head)}
.slotspec td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.slotspec .verdict{font-weight:bold;white-space:nowrap}
.slotspec .good{color:var(--good)}
.slotspec .bad{color:var(--bad)}
.slotspec .mark{color:var(--bad)}
.slotspec .faint{color:var(--faint)}
.slotspec details{margin:.4rem 0;border:1px solid var(--rule);border-radius:6px;
padding:.3rem .7rem}
.slotspec summary{cursor:pointer;overflow-wrap:anywhere}
.slotspec summary:focus-visible,.slotspec a:focus-visible{outline:2px solid var(--accent)}
.slotspec a{color:var(--accent)}
.slotspec code{font-size:.92em}
.slotspec td details{border:0;padding:0;margin:0;max-width:34ch}
@media(max-width:700px){.slotspec thead{display:none}
.slotspec table,.slotspec tbody,.slotspec tr,.slotspec td,.slotspec td.number{
display:block;text-align:left}
.slotspec tr{border:1px solid var(--rule);border-radius:6px;margin:.5rem 0;padding:.3rem}
.slotspec td{border:0;padding:.15rem .4rem;overflow-wrap:anywhere}
.slotspec td::before{content:attr(data-head)": ";color:var(--faint);font-size:.85em}}
.slotspec svg{max-width:none;display:block}
.slotspec .charts{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}
.slotspec .charts svg{max-width:100%;height:auto}
.slotspec .edge text{paint-order:stroke;stroke:var(--paper);stroke-width:3px;
stroke-linejoin:round}
"""


def page(results: Sequence[Result], left: Sequence[str] = ()) -> str:
    """The page of a check.

    :param left: titles of instances that have not run.
    """
    names = ", ".join(dict.fromkeys(r.instance.model.name for r in results)) or "nothing"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>slotspec check: {escape(names)}</title>"
        f"<style>{style()}body{{margin:0;padding:1rem clamp(.6rem,3vw,2.5rem)}}</style></head>"
        f'<body class="slotspec"><h1>slotspec check: {escape(names)}</h1>\n'
        f"{body(results, left)}</body></html>\n"
    )


def fragment(results: Sequence[Result]) -> str:
    """The report as a part of another page."""
    return f'<style>{style()}</style><div class="slotspec">{body(results)}</div>'


def body(results: Sequence[Result], left: Sequence[str] = ()) -> str:
    """The sections of the page."""
    pictures = count(1)
    parts = [_summary(results, left)]
    by_model: dict[str, list[Result]] = {}
    for result in results:
        by_model.setdefault(result.instance.model.name, []).append(result)
    for name, of_model in by_model.items():
        parts.append(
            f"<h2>{escape(name)}</h2><p>{escape(of_model[0].instance.model.description)}</p>"
        )
        parts.append(_bugs(of_model))
        parts.append(_runs(of_model))
        parts.append(_properties(of_model))
        parts.append(_coverage(of_model, pictures))
        parts.append(_traces(of_model, pictures))
    return "".join(parts)


def _bugs(results: Sequence[Result]) -> str:
    """The descriptions of the known bugs that were switched on."""
    issues = [r.instance.defect for r in results if r.instance.defect]
    if not issues:
        return ""
    from slotspec.bugs import known_bugs

    bugs = [known_bugs()[issue] for issue in issues if issue in known_bugs()]
    return "".join(f"<p><b>{b.issue}</b> {escape(b.description)}</p>" for b in bugs)


def _verdict(verdict: Verdict) -> str:
    colour, sign = MARKS[verdict]
    return f'<span class="verdict {colour}">{sign} {escape(verdict.value)}</span>'


def table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A table; a cell that begins with ``#`` is a number, any other is HTML."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    lines = []
    for row in rows:
        cells = "".join(
            f'<td data-head="{escape(name)}"'
            + (f' class="number">{cell[1:]}' if cell.startswith("#") else f">{cell}")
            + "</td>"
            for name, cell in zip(heads, row, strict=True)
        )
        lines.append(f"<tr>{cells}</tr>")
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>\n"
    )


def _summary(results: Sequence[Result], left: Sequence[str]) -> str:
    states = sum(result.states for result in results)
    worst = next(
        (v for v in (Verdict.VIOLATED, Verdict.UNKNOWN) if any(r.verdict is v for r in results)),
        Verdict.HOLDS,
    )
    if (left and worst is Verdict.HOLDS) or not results:
        worst = Verdict.UNKNOWN
    known = {
        (r.instance.model.name, p.property.name)
        for r in results
        for p in r.properties
        if p.verdict is Verdict.DEVIATES
    }
    more = f", {len(known)} properties with known deviations" if known else ""
    runs = "1 run" if len(results) == 1 else f"{len(results)} runs"
    text = f"<p>{_verdict(worst)} {runs}, {states:,} states{more}.</p>\n"
    if left:
        text += f"<p>Not run: {escape(', '.join(left))}.</p>\n"
    return text


def _runs(results: Sequence[Result]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for result in results:
            limit = f" (limit: {escape(result.limit.value)})" if result.limit else ""
            more = [f"{result.workers} workers"] if result.workers != 1 else []
            more += [result.symmetry_note] if result.symmetry_note else []
            more += [result.partial_order_note] if result.partial_order_note else []
            if result.missed is not None:
                more.append(f"a state was missed with probability at most {result.missed:.1e}")
            bounds = result.instance.setting.bounds
            yield (
                escape(result.instance.generation or "-"),
                escape(result.instance.scope),
                f"#{result.states:,}",
                f"#{result.transitions:,}",
                f"#{result.depth}",
                f"#{result.seconds:.1f}",
                escape(", ".join([result.engine, *more])),
                _verdict(result.verdict) + limit,
                "<details><summary>bounds</summary>"
                + escape(", ".join(f"{name}={value}" for name, value in bounds.items()))
                + "</details>",
            )

    heads = (
        "generation",
        "scope",
        "states",
        "transitions",
        "depth",
        "seconds",
        "engine",
        "verdict",
        "bounds",
    )
    return "<h3>Runs</h3>" + table(heads, rows())


def _properties(results: Sequence[Result]) -> str:
    names = list(dict.fromkeys(p.property.name for r in results for p in r.properties))
    if not names:
        return ""
    versions = list(dict.fromkeys(r.instance.generation for r in results))
    order = (Verdict.VIOLATED, Verdict.DEVIATES, Verdict.UNKNOWN, Verdict.HOLDS)

    def rows() -> Iterator[Sequence[str]]:
        for name in names:
            found = [(r, p) for r in results for p in r.properties if p.property.name == name]
            declared = found[0][1].property
            cells = []
            for version in versions:
                judged = [p for r, p in found if r.instance.generation == version]
                worst = next((v for v in order if any(p.verdict is v for p in judged)), None)
                if worst is None:
                    cells.append("-")
                    continue
                reasons = {p.reason for p in judged if p.verdict is worst and p.reason}
                why = "".join(
                    f'<br><span class="faint">{escape(r)}</span>' for r in sorted(reasons)
                )
                cells.append(_verdict(worst) + why)
            yield (
                f"<code>{escape(name)}</code><br>{escape(declared.description)}"
                f'<br><span class="faint">{escape(declared.source)}</span>',
                escape(declared.kind.value),
                *cells,
            )

    heads = ("property", "kind", *(version or "verdict" for version in versions))
    return "<h3>Properties</h3>" + table(heads, rows())


def _coverage(results: Sequence[Result], pictures: Iterator[int]) -> str:
    charts = painted(results)
    if not charts.charts:
        return ""
    drawn = "".join(
        apart(str(render(Charts(chart.name, (chart,)), Format.svg)), next(pictures))
        for chart in charts.charts
    )
    return (
        f"<h3>Coverage</h3><p>{escape(charts.note)}.</p>"
        "<details open><summary>Lifecycles, with how often each transition fired</summary>"
        f'<div class="charts">{drawn}</div></details>\n'
    )


def _traces(results: Sequence[Result], pictures: Iterator[int]) -> str:
    parts = []
    for kind, title, opened in (
        (Verdict.VIOLATED, "Violations", True),
        (Verdict.DEVIATES, "Known deviations", False),
        (Verdict.HOLDS, "Witnesses", False),
    ):
        made = [
            _trace(result, name, description, finding, opened, pictures)
            for result, name, description, finding in _findings(results, kind)
        ]
        if made:
            parts.append(f"<h3>{title}</h3>{''.join(made)}")
    return "".join(parts)


def _findings(
    results: Sequence[Result], verdict: Verdict
) -> list[tuple[Result, str, str, Finding | None]]:
    """The findings; of several runs of one generation only the shortest trace of each."""
    found: dict[tuple[str | None, str], tuple[Result, str, str, Finding | None]] = {}
    for result in results:
        version = result.instance.generation
        if verdict is Verdict.VIOLATED:
            for name, finding in (("protocol", result.fault), ("no deadlock", result.deadlock)):
                if finding:
                    _keep(found, (version, name), (result, name, finding.fault or "", finding))
        for p in result.properties:
            if p.verdict is verdict and (p.finding or verdict is Verdict.VIOLATED):
                if verdict is Verdict.HOLDS and p.property.kind is not Kind.SOMETIMES:
                    continue
                about = formatter_of(result.instance).about(p.property, p.finding)
                said = f"{p.reason or p.property.description}{about}"
                named = (version, p.property.name)
                _keep(found, named, (result, p.property.name, said, p.finding))
    return list(found.values())


def _keep(
    found: dict[tuple[str | None, str], tuple[Result, str, str, Finding | None]],
    key: tuple[str | None, str],
    new: tuple[Result, str, str, Finding | None],
) -> None:
    old = found.get(key)
    if old is None or _length(new[3]) < _length(old[3]):
        found[key] = new


def _length(finding: Finding | None) -> int:
    return len(finding.steps) if finding else 1 << 30


def _trace(
    result: Result,
    name: str,
    description: str,
    finding: Finding | None,
    opened: bool,
    pictures: Iterator[int],
) -> str:
    title = f"<code>{escape(name)}</code> of {escape(result.instance.title)}"
    if finding is None:
        return f"<p>{title}: {escape(description)}</p>"
    steps = len(finding.steps)
    loop = for_ever(finding)
    if steps == 0:
        drawn = f"<p>In the initial state{f'; {loop}' if loop else ''}.</p>"
    else:
        shown = finding if steps <= LONGEST else Finding(finding.steps[:LONGEST])
        if finding.loop is not None and finding.loop < LONGEST:
            shown = replace(shown, loop=finding.loop)
        drawn = sequence_svg(of_finding(result.instance, shown), title=False)
        drawn = f'<div class="wide">{apart(drawn, next(pictures))}</div>'
        if steps > LONGEST:
            drawn += f"<p>{steps - LONGEST} more steps are not drawn.</p>"
    if loop and steps:
        drawn += f"<p>After step {finding.loop}: {loop}.</p>"
    plural = "" if steps == 1 else "s"
    return (
        f"<details{' open' if opened else ''}><summary>{title}, {steps} step{plural}:"
        f" {escape(description)}</summary>{drawn}</details>\n"
    )


def apart(svg: str, number: int) -> str:
    """Make an SVG fit for a page with others: no style sheet, and unique ids."""
    svg = re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="p{number}-\1"', svg)
    for role, light in LIGHT.items():
        svg = svg.replace(f'="{light}"', f'="var(--{role})"')
    return svg.replace("<svg ", '<svg class="drawing" ', 1)
