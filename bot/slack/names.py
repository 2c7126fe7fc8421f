"""The ids by which Slack tells our buttons, forms, shortcuts and commands apart."""

APPROVE = "esc_approve"
DENY = "esc_deny"
TAKE_OVER = "esc_take_over"
HAND_BACK = "esc_hand_back"
RESOLVE = "esc_resolve"
TRACE = "esc_trace"
FULL_TEXT = "esc_full"
FEEDBACK = "feedback"

DENY_FORM = "form_deny"
HAND_BACK_FORM = "form_hand_back"
NOTE_BLOCK = "note"
NOTE_INPUT = "text"

COST_SHORTCUT = "conversation_cost"
BUDGET_COMMAND = "/agent-budget"

VERSION_MARK = "@"
"""Between a case's id and the version of its card, in the value of Approve."""
MARKER = "deskhand_effect"
"""Event type of the metadata on our messages; its payload holds the outbox key."""

REASON_MIN, REASON_MAX = 3, 1000
"""Characters of the reason for a denial."""
NOTE_MAX = 2000
"""Characters of a note for handing back."""
