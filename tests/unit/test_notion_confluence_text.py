"""Notion's Markdown and Confluence's storage format as plain Markdown."""

import pytest

from tools.knowledge_base.html.markdown import markdown
from tools.knowledge_base.sources.confluence_storage import html_of
from tools.knowledge_base.sources.notion_markdown import plain_markdown

NOTION = """# Refunds {color="blue"}
Ask <mention-user url="https://www.notion.so/1">Ana</mention-user> by <mention-date start="2026-03-04"/>.
<callout icon="i" color="gray_bg">
\tOnly \\<90 days\\>.
</callout>
- One {color="red"}
\t- deeper
\t\t1. deepest
<details>
<summary>Why?</summary>
\tBecause.
</details>
<table header-row="true">
<tr>
<td>Plan</td>
<td>Price</td>
</tr>
<tr>
<td>Team</td>
<td>10</td>
</tr>
</table>
```python
\tprint("<b>{color=\\"x\\"}")
```
Use `<page>` and see <page url="https://www.notion.so/2">Invoices</page>.
![A screen](https://files.example/signed?expires=1)
<empty-block/>
<unknown url="https://www.notion.so/3" alt="bookmark"/>"""


def test_notions_own_tags_are_gone_and_its_text_stays() -> None:
    assert plain_markdown(NOTION) == (
        "# Refunds\nAsk Ana by 2026-03-04.\n\nOnly <90 days>.\n\n- One\n  - deeper\n    1. deepest\n\n**Why?**\n"
        "Because.\n\n| Plan | Price |\n| --- | --- |\n| Team | 10 |\n\n```python\n"
        '\tprint("<b>{color=\\"x\\"}")\n```\n'
        "Use `<page>` and see Invoices.\n[image: A screen]"
    )


STORAGE = """<h2>Refunds&nbsp;now</h2><p>See <ac:link><ri:page ri:content-title="Invoices"/></ac:link> or
<ac:link ac:anchor="x"><ri:page ri:content-title="Y"/>
<ac:plain-text-link-body><![CDATA[that <page>]]></ac:plain-text-link-body></ac:link>.</p>
<ac:structured-macro ac:name="info"><ac:parameter ac:name="title">Note</ac:parameter>
<ac:rich-text-body><p>Only 90 days.</p></ac:rich-text-body></ac:structured-macro>
<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">bash</ac:parameter>
<ac:plain-text-body><![CDATA[curl -X POST <url> && echo "a > b"]]></ac:plain-text-body></ac:structured-macro>
<ac:structured-macro ac:name="toc"><ac:parameter ac:name="maxLevel">2</ac:parameter></ac:structured-macro>
<p><ac:structured-macro ac:name="status"><ac:parameter ac:name="title">DONE</ac:parameter></ac:structured-macro>
on <time datetime="2026-03-04"/> <ac:emoticon ac:name="tick" ac:emoji-fallback="(ok)"/></p>
<ac:task-list><ac:task><ac:task-id>7</ac:task-id><ac:task-status>complete</ac:task-status>
<ac:task-body>Pay</ac:task-body></ac:task></ac:task-list>
<ac:layout><ac:layout-section><ac:layout-cell>
<p>Cell <ac:inline-comment-marker ac:ref="1">text</ac:inline-comment-marker></p></ac:layout-cell>
</ac:layout-section></ac:layout>
<ac:image ac:alt="A screen"><ri:attachment ri:filename="a.png"/></ac:image><ac:placeholder>type here</ac:placeholder>"""


def test_macros_become_what_they_show() -> None:
    assert markdown(html_of(STORAGE)) == (
        "## Refunds now\n\nSee Invoices or that <page>.\n\n**Note**\n\nOnly 90 days.\n\n"
        '```bash\ncurl -X POST <url> && echo "a > b"\n```\n\nDONE on 2026-03-04 (ok)\n\n- [x] Pay\n\nCell text\n\n'
        "[image: A screen]"
    )


@pytest.mark.parametrize("piece", ["<table>", " ", "<summary>", "![", "![](", "<a ", "<mention-date ", "`", "\\<"])
def test_a_long_page_is_worked_off_in_time_that_grows_with_its_length(piece: str) -> None:
    """Half a megabyte of it; one pattern that looked again and again would take minutes."""
    text = plain_markdown(piece * (500_000 // len(piece)) + "x")
    assert text.endswith("x")
