"""How seven languages say that something was done or will be done: words only, no rules (those are in `claims`)."""
