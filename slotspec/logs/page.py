"""The answers as one self-contained HTML page with a search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import count

from slotspec.diagrams.report import apart, style, table
from slotspec.diagrams.sequence_svg import sequence_svg
from slotspec.logs.events import Event
from slotspec.logs.facts import FACTS, LEGS, Answer
from slotspec.logs.findings import QUESTIONS, Finding, JobReport, Report, short
from slotspec.logs.holding import Holding
from slotspec.logs.layout import clock, date
from slotspec.logs.sequences import sequence
from slotspec.logs.stories import Allocation, time_of
from slotspec.statemachine.plurals import counted

MOST = 500
"""Allocations and findings of one job that the page lists; it says how many it leaves out."""
MOST_DRAWN = 150
MOST_LINES = 80

MARKS = {
    Answer.YES: '<span class="good" title="yes">\N{CHECK MARK}</span>',
    Answer.NO: '<span class="faint" title="no">\N{EN DASH}</span>',
    Answer.UNDETERMINED: '<span class="mark" title="undetermined">?</span>',
}

_RULES = """
.search{position:sticky;top:0;background:var(--paper);padding:.5rem 0;z-index:1;
display:flex;gap:.8rem;align-items:center;flex-wrap:wrap}
.search input{font:inherit;padding:.35rem .6rem;min-width:min(34rem,80vw);color:var(--ink);
background:var(--paper);border:1px solid var(--line);border-radius:6px}
.lines{font:12px/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;
margin:.3rem 0}
.slotspec .hidden{display:none}
.numbers{display:flex;flex-wrap:wrap;gap:.6rem;margin:.5rem 0}
.numbers div{border:1px solid var(--rule);border-radius:6px;padding:.3rem .8rem;text-align:center}
.numbers b{display:block;font-size:1.3rem}
.slotspec p.finding{margin:.3rem 0;max-width:none}
"""

_SCRIPT = """
const field=document.querySelector('#search'),told=document.querySelector('#found');
const items=[...document.querySelectorAll('.item')];
const texts=items.map(item=>item.textContent.toLowerCase());
function search(){
 const words=field.value.toLowerCase().split(/\\s+/).filter(Boolean);
 let shown=0;
 items.forEach((item,i)=>{
  const fits=words.every(word=>texts[i].includes(word));
  item.classList.toggle('hidden',!fits);
  if(fits)shown+=1;
 });
 told.textContent=words.length?shown+' of '+items.length:'';
}
field.addEventListener('input',search);
field.value=decodeURIComponent(location.hash.slice(1));
search();
"""


def page(report: Report) -> str:
    """The page."""
    logs = report.cluster.logs
    title = f"Flink logs: {', '.join(short(j.job.id) for j in report.jobs[:5]) or 'no job'}"
    pictures = count(1)
    parts = [
        _summary(report),
        '<div class="search"><input id="search" type="search" aria-label="Search" placeholder='
        '"Search: an id or its first digits, a TaskManager, a word of a line…">'
        '<span id="found" class="faint" role="status"></span></div>',
        *(_job(report, job, pictures) for job in report.jobs),
        _cluster(report),
        _files(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f"<style>{style()}{_RULES}body{{margin:0;padding:1rem clamp(.6rem,3vw,2.5rem)}}</style>"
        f'</head><body class="slotspec"><h1>Slots of Flink {escape(logs.version or "")}</h1>\n'
        f"{''.join(parts)}<script>{_SCRIPT}</script></body></html>\n"
    )


def _summary(report: Report) -> str:
    cluster = report.cluster
    facts = report.facts
    divergences = report.divergences
    times = [time_of(cluster, event) for event in cluster.events]
    span = f"{date(times[0])}, {clock(times[0])} to {clock(max(times))}" if times else "no lines"
    verdict = (
        '<span class="verdict bad">\N{MULTIPLICATION X}'
        f" {counted(len(divergences), 'line contradicts', 'lines contradict')} the model</span>"
        if divergences
        else '<span class="verdict good">\N{CHECK MARK} no line contradicts the model</span>'
    )
    parts = [
        f"<p>{span}: {counted(cluster.logs.lines, 'line')}, {cluster.logs.events:,} about slots."
        f" {verdict}; {counted(facts.total(), 'fact')} about"
        f" {counted(len(report.verdicts), 'allocation')}, {report.undetermined:.0%} undetermined."
        "</p>"
    ]
    if report.undetermined:
        wanted = ", ".join(name for name, _ in report.deciding()[:4])
        parts.append(f"<p>What would decide most of them: {escape(wanted)}.</p>")
    parts += [
        f'<p class="mark">The clock of {escape(name)}: {escape(str(offset))}.</p>'
        for name, offset in cluster.offsets.items()
    ]
    parts += [f'<p class="bad item">{escape(text)}</p>' for _, text, _ in divergences[:MOST]]
    return "".join(parts)


def _job(report: Report, of: JobReport, pictures: Iterator[int]) -> str:
    job = of.job
    numbers = []
    if job.required is not None:
        numbers.append(f"<div><b>{job.required}</b>required</div>")
    for leg in LEGS:
        yes, maybe = of.legs[leg]
        if leg == "requested" and not report.cluster.logs.old:
            continue
        more = f' <span class="mark">+{maybe}?</span>' if maybe else ""
        numbers.append(f"<div><b>{yes}{more}</b>{leg}</div>")
    state = escape(job.state or "state unknown")
    parts = [
        f"<h2>Job {escape(job.name)} <code>{job.id}</code>: {state}</h2>",
        f'<div class="numbers">{"".join(numbers)}</div>',
    ]
    if of.findings:
        parts += [_finding(report, finding) for finding in of.findings[:MOST]]
        if len(of.findings) > MOST:
            parts.append(f"<p>{len(of.findings) - MOST:,} more are not listed.</p>")
    else:
        parts.append('<p class="faint">No request is open, and nothing failed.</p>')
    parts.append(_allocations(report, list(job.allocations.values()), pictures))
    return "".join(parts)


def _finding(report: Report, finding: Finding) -> str:
    colour = {Answer.YES: "", Answer.UNDETERMINED: "mark", Answer.NO: "faint"}[finding.answer]
    mark = MARKS[finding.answer] if finding.answer is not Answer.YES else ""
    text = f"<b>{escape(QUESTIONS[finding.question])}</b> {mark} {escape(finding.text)}"
    deciding = "; ".join(str(one) for one in finding.deciding[:6])
    if deciding:
        text += f' <span class="faint">Decided by {escape(deciding)}.</span>'
    if not finding.lines:
        return f'<p class="finding item {colour}">{text}</p>'
    return (
        f'<details class="item {colour}"><summary>{text}</summary>'
        f"{_lines(report, finding.lines)}</details>"
    )


def _lines(report: Report, events: Sequence[Event]) -> str:
    """Lines of logs, with their places."""
    texts = [
        f"{clock(time_of(report.cluster, event))} <b>{escape(event.process)}</b>"
        f" {event.kind.level.name} {escape(event.text)}"
        + (f"\n    {escape(event.cause)}" if event.cause else "")
        + (f' <span class="faint">({event.repeated} more like it)</span>' if event.repeated else "")
        + f'  <span class="faint">{escape(str(event.place))}</span>'
        for event in events[:MOST_LINES]
    ]
    if len(events) > MOST_LINES:
        texts.append(f"… {len(events) - MOST_LINES} more lines")
    return f'<div class="lines">{chr(10).join(texts)}</div>'


def _allocations(report: Report, allocations: list[Allocation], pictures: Iterator[int]) -> str:
    if not allocations:
        return ""
    shown = FACTS if report.cluster.logs.old else FACTS[1:]
    heads = ("allocation", "TaskManager", "slot", "request", *shown, "held", "since")

    def rows() -> Iterator[Sequence[str]]:
        for one in allocations[:MOST]:
            facts = report.verdicts[one.id].facts
            held = report.holdings[one.id]
            since = clock(time_of(report.cluster, held.since)) if held.since else ""
            yield (
                f"<code>{short(one.id)}</code>",
                escape(one.tm or "?"),
                escape(one.slot or "?"),
                " ".join(f"<code>{short(name)}</code>" for name in one.requests),
                *(MARKS[facts[name].answer] for name in shown),
                f"{MARKS[held.answer]} {escape(held.why)}",
                since,
            )

    parts = [
        "<h3>Allocations</h3>",
        _searchable(table(heads, rows())),
    ]
    for one in allocations[:MOST]:
        parts.append(_story(report, one, pictures))
    if len(allocations) > MOST:
        parts.append(f"<p>{len(allocations) - MOST:,} more are not listed.</p>")
    return "".join(parts)


def _searchable(rows: str) -> str:
    """A table whose rows the search finds."""
    return rows.replace("<tr><td", '<tr class="item"><td')


def _story(report: Report, one: Allocation, pictures: Iterator[int]) -> str:
    verdict = report.verdicts[one.id]
    number = next(pictures)
    drawn = ""
    if number <= MOST_DRAWN:
        picture = sequence_svg(sequence(report.cluster, one, verdict), title=False)
        drawn = f'<div class="wide">{apart(picture, number)}</div>'
    states = "; ".join(f"{view}: {' or '.join(names)}" for view, names in verdict.states.items())
    opened = "".join(
        f'<p class="finding mark">{name}: undetermined'
        f' <span class="faint">({escape("; ".join(str(d) for d in fact.deciding[:4]))})</span></p>'
        for name, fact in verdict.facts.items()
        if fact.answer is Answer.UNDETERMINED
    )
    return (
        f'<details class="item"><summary>Allocation <code>{one.id}</code>'
        f" on {escape(one.tm or 'an unknown TaskManager')}</summary>"
        f'<p class="faint">At the end: {escape(states or "no view has it")}.</p>{opened}'
        f"{drawn}<details><summary>Lines</summary>{_lines(report, one.events)}</details></details>"
    )


def _cluster(report: Report) -> str:
    holdings: dict[str | None, list[Holding]] = {}
    for one in report.holdings.values():
        if one.answer is Answer.YES:
            holdings.setdefault(one.allocation.tm, []).append(one)

    def rows() -> Iterator[Sequence[str]]:
        for tm in report.cluster.task_managers.values():
            held = holdings.get(tm.id, [])[:MOST_LINES]
            last = max((time_of(report.cluster, event) for event in tm.events), default=None)
            yield (
                escape(tm.id),
                "registered" if tm.registered else "not registered",
                ", ".join(f"<code>{short(h.allocation.id)}</code>" for h in held) or "none",
                clock(last) if last is not None else "",
                escape(", ".join(tm.processes) or "no log"),
            )

    heads = ("TaskManager", "at the ResourceManager", "slots held", "last line", "logs")
    return (
        "<h2>TaskManagers</h2>"
        + _searchable(table(heads, rows()))
        + "".join(_finding(report, finding) for finding in report.findings)
    )


def _files(report: Report) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for log in report.cluster.logs.processes:
            notes = [
                note
                for number, note in (
                    (log.backwards, "times the clock steps back"),
                    (log.cut, "lines are too long, and cut"),
                    (log.unread, "lines have no valid time"),
                )
                if number
                for note in [f"{number:,} {note}"]
            ]
            yield (
                escape(log.name),
                escape(", ".join(log.files)),
                f"#{log.lines:,}",
                f"#{len(log.events):,}",
                log.levels.most.name,
                "yes" if log.from_start else "no",
                escape("; ".join(notes)),
            )

    heads = ("process", "files", "lines", "about slots", "level", "from its start", "notes")
    left_out = "".join(
        f'<p class="faint">Not read: {escape(text)}.</p>' for text in report.cluster.logs.left_out
    )
    return f"<h2>Files</h2>{table(heads, rows())}{left_out}"
