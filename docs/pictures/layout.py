"""Lays messages out as HTML as their services do. Nothing is shown that is not in the message."""

import html
import json
import re
from pathlib import Path

WIDTH = 720

FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><style>
* { box-sizing: border-box }
body { margin: 0; padding: 16px; background: #f3f4f6; color: #1d1c1d; font: 15px/1.46 "Noto Sans", sans-serif;
  overflow-wrap: anywhere }
main { padding: 16px 20px; background: #fff; border: 1px solid #d1d5db; border-radius: 8px }
p { margin: 0 0 10px }
a { color: #1264a3; text-decoration: none }
pre { margin: 0; padding: 10px 12px; background: #f6f8fa; border-radius: 6px; white-space: pre-wrap }
pre, code { font: 12px/1.4 "Liberation Mono", monospace }
h1 { margin: 0 0 12px; font-size: 20px; line-height: 1.3 }
ul { margin: 0 0 10px; padding-left: 22px }
.label { display: inline-block; margin: 0 6px 6px 0; padding: 1px 9px; border: 1px solid #d1d5db; border-radius: 12px;
  font-size: 12px; background: #f6f8fa }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin-bottom: 12px }
.facts > :nth-child(odd) { color: #57606a }
STYLE
</style></head><body>BODY</body></html>
"""

# What Teams sets, as far as cards of alerts use it.
TEAMS = {
    "fontFamily": '"Segoe UI", "Noto Sans", sans-serif',
    "fontSizes": {"small": 12, "default": 14, "medium": 14, "large": 18, "extraLarge": 24},
    "fontWeights": {"lighter": 200, "default": 400, "bolder": 600},
    "spacing": {"small": 8, "default": 12, "medium": 16, "large": 20, "extraLarge": 24, "padding": 16},
    "containerStyles": {
        "default": {"backgroundColor": "#ffffff"},
        "emphasis": {"backgroundColor": "#f5f5f5"},
        "accent": {"backgroundColor": "#e0e7fb"},
        "good": {"backgroundColor": "#dff6dd"},
        "warning": {"backgroundColor": "#fff1cf"},
        "attention": {"backgroundColor": "#fde3e1"},
    },
    "actions": {"maxActions": 6, "actionsOrientation": "horizontal", "actionAlignment": "left", "buttonSpacing": 8},
    "factSet": {"title": {"weight": "bolder", "wrap": True, "maxWidth": 150}, "value": {"wrap": True}, "spacing": 16},
}


def pages(sent: dict, packages: Path) -> dict[str, str]:
    """A page for what was sent to each service; `packages` is the folder with the packages of npm."""
    return {
        "slack": slack(sent["slack"]),
        "teams": teams(sent["teams"], packages),
        "email": sent["email"].get_body(("html",)).get_content(),
        "github_issue": github(sent["github_issue"], packages),
        "jira": jira(sent["jira"]["fields"]),
        "pagerduty": pagerduty(sent["pagerduty"]),
    }


def frame(body: str, style: str = "") -> str:
    return FRAME.replace("STYLE", style).replace("BODY", body)


# Slack: blocks, and below them attachments with a bar at their left.


def slack(message: dict) -> str:
    body = "".join(map(slack_block, message["blocks"]))
    for attachment in message["attachments"]:
        blocks = "".join(map(slack_block, attachment["blocks"]))
        body += f'<div class="attachment" style="border-color: {attachment["color"]}">{blocks}</div>'
    return frame(f"<main>{body}</main>", """
        h1 { font-size: 18px }
        .attachment { padding-left: 14px; border-left: 4px solid; border-radius: 2px }
        .columns { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; margin-bottom: 10px }
        .context { font-size: 13px; color: #616061 }
    """)


def slack_block(block: dict) -> str:
    match block:
        case {"type": "header", "text": text}:
            return f"<h1>{slack_text(text)}</h1>"
        case {"type": "section", "fields": fields}:
            return f'<div class="columns">{"".join(f"<div>{slack_text(field)}</div>" for field in fields)}</div>'
        case {"type": "section", "text": text}:
            return f"<p>{slack_text(text)}</p>"
        case {"type": "context", "elements": elements}:
            return f'<div class="context">{" ".join(map(slack_text, elements))}</div>'
    raise SystemExit(f"no layout for a block of Slack of type {block['type']}")


def slack_text(text: dict) -> str:
    if text["type"] == "plain_text":
        return html.escape(text["text"])
    # Its three entities are those of HTML; everything else in angle brackets is Slack's.
    out = re.sub(r"<(https?:[^|>]+)\|([^>]*)>", r'<a href="\1">\2</a>', text["text"].strip())
    out = re.sub(r"```(.*?)```", r"<pre>\1</pre>", out, flags=re.DOTALL)
    # Emphasis begins and ends at the edge of a word.
    for mark, tag in (("*", "b"), ("_", "i"), ("~", "s")):
        mark = re.escape(mark)
        out = re.sub(rf"(?<![\w\u2060]){mark}([^\s{mark}](?:[^\n{mark}]*[^\s{mark}])?){mark}(?![\w\u2060])",
                     rf"<{tag}>\1</{tag}>", out)
    return out.replace("\n", "<br>")


# Teams: the card, by the renderer that Microsoft publishes.


def teams(message: dict, packages: Path) -> str:
    card = script(json.dumps(message["attachments"][0]["content"]))
    return frame(f"""<main id="card"></main>
        {source(packages / "adaptivecards/dist/adaptivecards.min.js")}
        {source(packages / "markdown-it/dist/browser/markdown-it.umd.min.js")}
        <script>
        AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {{
            result.outputHtml = markdownit().render(text);
            result.didProcess = true;
        }};
        const card = new AdaptiveCards.AdaptiveCard();
        card.hostConfig = new AdaptiveCards.HostConfig({json.dumps(TEAMS)});
        card.parse({card});
        document.getElementById("card").append(card.render());
        </script>""", """
        main { padding: 0; overflow: hidden }
        p { margin: 0 }
        button { padding: 6px 14px; border: 1px solid #d1d1d1; border-radius: 4px; background: #fff; color: #242424;
          font: 600 14px "Segoe UI", "Noto Sans", sans-serif }
    """)


def source(path: Path) -> str:
    return f"<script>{path.read_text()}</script>"


def script(text: str) -> str:
    """JSON as it may stand in a script."""
    return text.replace("<", "\\u003c")


# GitHub: Markdown in which addresses are links and each line end is one.


def github(issue: dict, packages: Path) -> str:
    labels = "".join(f'<span class="label">{html.escape(label)}</span>' for label in issue["labels"])
    assignees = html.escape(", ".join(issue["assignees"]))
    return frame(f"""<main><h1>{html.escape(issue["title"])}</h1>
        <div class="facts"><div>Labels</div><div>{labels}</div><div>Assignees</div><div>{assignees}</div></div>
        <article id="text"></article></main>
        {source(packages / "markdown-it/dist/browser/markdown-it.umd.min.js")}
        <script>
        const markdown = markdownit({{html: true, linkify: true, breaks: true}});
        document.getElementById("text").innerHTML = markdown.render({script(json.dumps(issue["body"]))});
        </script>""", """
        a { color: #0969da; text-decoration: underline }
        article { padding-top: 14px; border-top: 1px solid #d1d5db }
        .label { margin-bottom: 0 }
    """)


# Jira: the wiki mark-up that alerts use.


def jira(fields: dict) -> str:
    labels = "".join(f'<span class="label">{html.escape(label)}</span>' for label in fields["labels"])
    facts = [("Project", fields["project"]["key"]), ("Type", fields["issuetype"]["name"]),
             ("Priority", fields["priority"]["name"])]
    rows = "".join(f"<div>{name}</div><div>{html.escape(value)}</div>" for name, value in facts)
    return frame(f"""<main><h1>{html.escape(fields["summary"])}</h1>
        <div class="facts">{rows}<div>Labels</div><div>{labels}</div></div>
        <article>{wiki(fields["description"])}</article></main>""", """
        a { color: #0c66e4; text-decoration: underline }
        article { padding-top: 14px; border-top: 1px solid #d1d5db }
    """)


def wiki(text: str) -> str:
    out = ""
    for number, part in enumerate(text.split("{noformat}")):
        if number % 2:
            out += f"<pre>{html.escape(part.strip())}</pre>"
            continue
        for block in filter(None, (block.strip() for block in part.split("\n\n"))):
            if block.startswith("* "):
                # A line without a star goes on with the item before it.
                items = block[2:].split("\n* ")
                out += "<ul>" + "".join(f"<li>{wiki_lines(item)}</li>" for item in items) + "</ul>"
            else:
                out += f"<p>{wiki_lines(block)}</p>"
    return out


def wiki_lines(text: str) -> str:
    return "<br>".join(map(wiki_line, text.split("\n")))


def wiki_line(text: str) -> str:
    """What is escaped is put aside first, so that nothing is read into it."""
    kept: list[str] = []

    def keep(match: re.Match) -> str:
        kept.append(html.escape(match[1]))
        return f"\0{len(kept) - 1}\0"

    out = html.escape(re.sub(r"\\([{}\[\]*_+^~|!#?@-])", keep, text))
    out = re.sub(r"\[([^|\]]+)\|([^\]]+)\]", r'<a href="\2">\1</a>', out)
    out = re.sub(r"(?<!\w)\*(\S(?:[^*]*\S)?)\*(?!\w)", r"<b>\1</b>", out)
    return re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], out)


# PagerDuty: the event as an incident with its details.


def pagerduty(event: dict) -> str:
    payload = event["payload"]
    names = ["severity", "timestamp", "source", "component", "group", "class"]
    facts = [(name.capitalize(), html.escape(payload[name])) for name in names if name in payload]
    links = [f'<a href="{html.escape(link["href"])}">{html.escape(link["text"])}</a>' for link in event["links"]]
    if links:
        facts.append(("Links", "<br>".join(links)))
    facts.append(("Client", html.escape(event["client"])))
    return frame(f"""<main><h1>{html.escape(payload["summary"])}</h1>
        <div class="facts">{rows_of(facts)}</div>
        <h2>Custom details</h2>
        <div class="facts details">{rows_of(detail(*item) for item in payload["custom_details"].items())}</div></main>
        """, """
        main { border-top: 4px solid #06ac38 }
        h2 { margin: 14px 0 8px; padding-top: 12px; border-top: 1px solid #d1d5db; font-size: 15px }
        .details { margin: 0; font-size: 13px }
    """)


def detail(name: str, value) -> tuple[str, str]:
    if isinstance(value, str):
        return html.escape(name), html.escape(value).replace("\n", "<br>")
    return html.escape(name), f"<pre>{html.escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def rows_of(facts) -> str:
    return "".join(f"<div>{name}</div><div>{value}</div>" for name, value in facts)
