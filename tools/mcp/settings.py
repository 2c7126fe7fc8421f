"""`[[mcp]]` of the connectors file: which MCP servers there are, for whom, and how far they are trusted."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, model_validator

from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl

Consent = Literal["policy", "always", "never"]


def _chosen(names: object, info: ValidationInfo) -> Mapping[str, SecretStr]:
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError('write a list of names of environment variables, e.g. ["GITHUB_TOKEN"]')
    environment = info.context or {}
    missing = next((name for name in names if not environment.get(name)), None)
    if missing is not None:
        raise ValueError(f"the environment variable {missing} is not set. Set it there or in .env")
    return {name: SecretStr(environment[name]) for name in names}


Environment = Annotated[Mapping[str, SecretStr], BeforeValidator(_chosen)]
"""In the file a list of names, in the model their values."""


class McpServer(Connector):
    """One server: a command that is started here, or an address."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$", max_length=20)]
    """Its tools are called `name__tool`."""
    command: str = ""
    args: tuple[str, ...] = ()
    env: Environment = Field(default_factory=dict)
    """The variables that the command may see, beside PATH, HOME and the like."""
    url: ServiceUrl | None = None
    """Of a server that speaks streamable HTTP."""
    headers_env: Mapping[str, SecretFromEnv] = Field(default_factory=dict)
    """Headers of each request by the environment variable that holds their value, e.g. Authorization."""
    tools: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Which of its tools may be used at all, by its own names; patterns like `read_*` are fine."""
    audience: Literal["staff", "everyone"] = "staff"
    """`staff`: only where nobody but staff reads the answer."""
    consent: Consent = "policy"
    """Whether a person is asked before each call: as the policy says, or always, or (nothing but the policy's general
    rule for MCP servers is set aside) never."""
    deadline_seconds: Annotated[float, Field(gt=0, le=120)] = 30.0
    """Of one call."""
    max_message_bytes: Annotated[int, Field(ge=10_000, le=20_000_000)] = 1_000_000
    """A server that sends more at once is cut off."""
    max_result_chars: Annotated[int, Field(ge=500, le=24_000)] = 16_000
    """Of a result; what is beyond is cut with a remark."""

    @model_validator(mode="after")
    def _one_way(self) -> "McpServer":
        if bool(self.command) == bool(self.url):
            raise ValueError("give either `command` (and `args`) or `url`")
        if self.url and (self.args or self.env):
            raise ValueError("`args` and `env` belong to `command`; a server with a `url` takes `headers_env`")
        if self.command and self.headers_env:
            raise ValueError("`headers_env` belongs to `url`; a command takes `env`")
        return self

    def permits(self, tool: str) -> bool:
        """Whether the operator wants this tool of the server."""
        return any(fnmatchcase(tool, pattern) for pattern in self.tools)


def _no_twins(servers: tuple[McpServer, ...]) -> tuple[McpServer, ...]:
    names = [server.name for server in servers]
    twin = next((name for name in names if names.count(name) > 1), "")
    if twin:
        raise ValueError(f"two servers are called {twin!r}. Give each a name of its own")
    return servers


McpServers = Annotated[tuple[McpServer, ...], AfterValidator(_no_twins)]
