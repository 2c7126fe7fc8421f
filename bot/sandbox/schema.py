"""Block Kit written down: every block and element with its fields, lengths and counts.

Numbers come from docs.slack.dev/reference/block-kit and the validators of Slack's Python SDK 3.47.
"""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.checks import (
    Check,
    Problems,
    anything,
    array,
    boolean,
    integer,
    one_of,
    plain,
    shape,
    string,
    text,
    typed,
)

_ID = string(255)
_URL = string(3000)

_CONFIRM = shape(
    ("title", "text", "confirm", "deny"),
    title=plain(100),
    text=text(300),
    confirm=plain(30),
    deny=plain(30),
    style=one_of("primary", "danger"),
)
_OPTION = shape(("text", "value"), text=text(75), value=string(150), description=text(75), url=_URL)
_OPTIONS = array(_OPTION, 100)
_GROUPS = array(shape(("label", "options"), label=plain(75), options=_OPTIONS), 100)
_PEOPLE = array(string(20), 10)
_FEEDBACK = shape(("text", "value"), text=plain(75), value=string(2000), accessibility_label=string(75))
_DISPATCH = shape(trigger_actions_on=array(one_of("on_enter_pressed", "on_character_entered"), 2))


def _element(required: tuple[str, ...] = (), /, **fields: Check) -> Check:
    return shape(required, type=anything, action_id=_ID, **fields)


def _input(required: tuple[str, ...] = (), /, **fields: Check) -> Check:
    return _element(required, placeholder=plain(150), focus_on_load=boolean, **fields)


def _select(**fields: Check) -> Check:
    return _input(confirm=_CONFIRM, **fields)


def _multi(**fields: Check) -> Check:
    return _select(max_selected_items=integer, **fields)


_CHOICES: Mapping[str, Check] = {"options": _OPTIONS, "option_groups": _GROUPS}

BUTTONS: Mapping[str, Check] = {
    "button": _element(
        ("text",),
        text=plain(75),
        url=_URL,
        value=string(2000, 0),
        style=one_of("primary", "danger"),
        confirm=_CONFIRM,
        accessibility_label=string(75),
        agent_prompt=string(4000),
        agent_prompt_display=anything,
        visible_to_user_ids=_PEOPLE,
    ),
    "workflow_button": _element(
        ("text", "workflow"), text=plain(75), workflow=anything, style=anything, accessibility_label=string(75)
    ),
    "overflow": _element(("options",), options=array(_OPTION, 5), confirm=_CONFIRM),
}
FEEDBACK: Mapping[str, Check] = {
    "feedback_buttons": _element(
        ("positive_button", "negative_button"), positive_button=_FEEDBACK, negative_button=_FEEDBACK
    ),
    "icon_button": _element(
        ("icon", "text"),
        icon=string(100),
        text=plain(75),
        accessibility_label=string(75),
        value=string(2000),
        visible_to_user_ids=_PEOPLE,
        confirm=_CONFIRM,
    ),
}
MENUS: Mapping[str, Check] = {
    "static_select": _select(**_CHOICES, initial_option=_OPTION),
    "external_select": _select(initial_option=_OPTION, min_query_length=integer),
    "users_select": _select(initial_user=string(20)),
    "conversations_select": _select(
        initial_conversation=string(20),
        response_url_enabled=boolean,
        default_to_current_conversation=boolean,
        filter=anything,
    ),
    "channels_select": _select(initial_channel=string(20), response_url_enabled=boolean),
    "multi_static_select": _multi(**_CHOICES, initial_options=_OPTIONS),
    "multi_external_select": _multi(initial_options=_OPTIONS, min_query_length=integer),
    "multi_users_select": _multi(initial_users=array(string(20), 100)),
    "multi_conversations_select": _multi(
        initial_conversations=array(string(20), 100), default_to_current_conversation=boolean, filter=anything
    ),
    "multi_channels_select": _multi(initial_channels=array(string(20), 100)),
}
PICKERS: Mapping[str, Check] = {
    "checkboxes": _element(
        ("options",), options=array(_OPTION, 10), initial_options=_OPTIONS, confirm=_CONFIRM, focus_on_load=boolean
    ),
    "radio_buttons": _element(
        ("options",), options=array(_OPTION, 10), initial_option=_OPTION, confirm=_CONFIRM, focus_on_load=boolean
    ),
    "datepicker": _select(initial_date=string(10)),
    "timepicker": _select(initial_time=string(5), timezone=string(60)),
    "datetimepicker": _element(initial_date_time=integer, confirm=_CONFIRM, focus_on_load=boolean),
}
INPUTS: Mapping[str, Check] = {
    "plain_text_input": _input(
        initial_value=string(3000, 0),
        multiline=boolean,
        min_length=integer,
        max_length=integer,
        dispatch_action_config=_DISPATCH,
    ),
    "email_text_input": _input(initial_value=string(255, 0), dispatch_action_config=_DISPATCH),
    "url_text_input": _input(initial_value=_URL, dispatch_action_config=_DISPATCH),
    "number_input": _input(
        ("is_decimal_allowed",),
        is_decimal_allowed=boolean,
        initial_value=string(40, 0),
        min_value=string(40),
        max_value=string(40),
        dispatch_action_config=_DISPATCH,
    ),
    "rich_text_input": _input(
        initial_value=anything, dispatch_action_config=_DISPATCH, min_lines=integer, max_lines=integer
    ),
    "file_input": _element(filetypes=array(string(20), 100), max_files=integer),
}
_IMAGE = shape(
    ("alt_text",),
    ("image_url", "slack_file"),
    type=anything,
    alt_text=string(2000),
    image_url=_URL,
    slack_file=anything,
)
ELEMENTS: Mapping[str, Check] = {**BUTTONS, **FEEDBACK, **MENUS, **PICKERS, **INPUTS, "image": _IMAGE}
_ACTIONS = typed(ELEMENTS, {*BUTTONS, *MENUS, *PICKERS, "rich_text_input"})
_ACCESSORY = typed(ELEMENTS, {*BUTTONS, *MENUS, *PICKERS, "image"})
_INPUT_ELEMENT = typed(ELEMENTS, {*MENUS, *PICKERS, *INPUTS})
_SOURCE = shape(("url", "text"), type=anything, url=_URL, text=string(256))
_RICH = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
_RICH_PART = shape(
    ("elements",),
    type=anything,
    elements=array(anything, 1000, 0),
    style=anything,
    indent=integer,
    offset=integer,
    border=integer,
)


def _block(required: tuple[str, ...] = (), any_of: tuple[str, ...] = (), /, **fields: Check) -> Check:
    return shape(required, any_of, type=anything, block_id=_ID, **fields)


_TASK = _block(
    ("task_id", "title", "status"),
    task_id=_ID,
    title=string(256),
    details=anything,
    output=anything,
    sources=array(_SOURCE, 20, 0),
    status=one_of("pending", "in_progress", "complete", "error"),
)
_CARD = _block(
    (),
    ("hero_image", "title", "actions", "body"),
    hero_image=_IMAGE,
    icon=_IMAGE,
    title=text(150),
    subtitle=text(150),
    body=text(200),
    actions=array(typed(ELEMENTS, BUTTONS), 3),
)
_RICH_TEXT = _block(("elements",), elements=array(typed(dict.fromkeys(_RICH, _RICH_PART)), 100))


def _any_block(value: Any, pointer: str, problems: Problems) -> None:
    """A block inside a container; looked up when it is needed, because containers are blocks themselves."""
    typed(BLOCKS)(value, pointer, problems)


BLOCKS: Mapping[str, Check] = {
    "section": _block(
        (), ("text", "fields"), text=text(3000), fields=array(text(2000), 10), accessory=_ACCESSORY, expand=boolean
    ),
    "divider": _block(),
    "header": _block(("text",), text=plain(150)),
    "image": _block(
        ("alt_text",),
        ("image_url", "slack_file"),
        alt_text=string(2000),
        image_url=_URL,
        slack_file=anything,
        title=plain(2000),
    ),
    "actions": _block(("elements",), elements=array(_ACTIONS, 25)),
    "context": _block(
        ("elements",), elements=array(typed({"image": _IMAGE, "mrkdwn": text(2000), "plain_text": text(2000)}), 10)
    ),
    "context_actions": _block(("elements",), elements=array(typed(ELEMENTS, FEEDBACK), 5)),
    "input": _block(
        ("label", "element"),
        label=plain(2000),
        element=_INPUT_ELEMENT,
        hint=plain(2000),
        optional=boolean,
        dispatch_action=boolean,
    ),
    "markdown": _block(("text",), text=string(12_000)),
    "rich_text": _RICH_TEXT,
    "table": _block(("rows",), rows=array(array(anything, 20), 100), column_settings=array(anything, 20)),
    "task_card": _TASK,
    "plan": _block(("title",), title=string(256), tasks=array(_TASK, 50, 0)),
    "alert": _block(("text",), text=text(2000), level=one_of("default", "info", "warning", "error", "success")),
    "card": _CARD,
    "carousel": _block(("elements",), elements=array(typed({"card": _CARD}), 10)),
    "container": _block(
        ("child_blocks",),
        ("title", "rich_text_title"),
        child_blocks=array(_any_block, 10),
        title=text(150),
        rich_text_title=anything,
        subtitle=text(150),
        width=one_of("narrow", "standard", "wide", "full"),
        icon=anything,
        is_collapsible=boolean,
        default_collapsed=boolean,
        has_header_divider=boolean,
    ),
    "video": _block(
        ("alt_text", "title", "thumbnail_url", "video_url"),
        alt_text=string(2000),
        video_url=_URL,
        thumbnail_url=_URL,
        title=plain(200),
        title_url=_URL,
        description=plain(200),
        provider_icon_url=_URL,
        provider_name=string(50),
        author_name=string(50),
    ),
}
VIEW_BLOCKS = frozenset(
    {"section", "divider", "header", "image", "actions", "context", "input", "rich_text", "alert", "video"}
)
"""The blocks a modal or Home tab may hold; the others belong to messages."""

MESSAGE_CHECK = array(typed(BLOCKS), 50, 0)
VIEW_CHECK = array(typed(BLOCKS, VIEW_BLOCKS), 100)
