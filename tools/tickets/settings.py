"""All ticket systems that the connectors file can name."""

from tools.tickets.github import GitHubTicketSettings
from tools.tickets.jira import JiraTicketSettings
from tools.tickets.linear import LinearTicketSettings
from tools.tickets.webhook import WebhookTicketSettings
from tools.tickets.zendesk import ZendeskTicketSettings

TicketSettings = (
    ZendeskTicketSettings | JiraTicketSettings | LinearTicketSettings | GitHubTicketSettings | WebhookTicketSettings
)
