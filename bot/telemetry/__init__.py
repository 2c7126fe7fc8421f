"""What the bot tells other programs of its work: spans and metrics of OpenTelemetry, and figures for Prometheus.

Everything is made of the record of steps (`bot.domain.trace`): a listener of the store gets each row once it is
committed, so that nothing is told that did not happen, nothing twice when a run is resumed, and no line of the desk
knows of telemetry. `spans` turns rows into spans, `counts` into measurements of the `instruments`; both are pure.
Their names, and all labels, are ours, the operator's or a vendor's: never what a person or a model wrote.

The ids of spans are derived from the run (`ids`): whoever works on a turn, in whichever process, writes into the same
trace, and a step or a delivery may name a parent that will only be written when the turn is over:

    turn (from the event's arrival to the outcome)
    ├── invoke_agent PROFILE (the run)
    │   ├── step
    │   │   ├── chat MODEL
    │   │   └── execute_tool TOOL
    │   │       └── attempt BACKEND (when one try was not enough)
    │   └── chat MODEL (judge, summary)
    ├── deliver answer
    └── escalate, decide (moments)

Only `sdk` knows OpenTelemetry's SDK, an extra (`pip install "deskhand[otel]"`) that is imported when it is asked for.
"""
