"""The commands of `deskhand`, one module each; imported only when their command is given."""
