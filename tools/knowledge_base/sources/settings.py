"""All sources that the connectors file and the command line can name, by their `kind`."""

from tools.knowledge_base.sources.confluence import ConfluenceSettings
from tools.knowledge_base.sources.folders import FolderSettings, HtmlSettings
from tools.knowledge_base.sources.notion import NotionSettings
from tools.knowledge_base.sources.web import WebSettings
from tools.knowledge_base.sources.zendesk import ZendeskHelpCenterSettings

KINDS = (FolderSettings, HtmlSettings, WebSettings, ZendeskHelpCenterSettings, NotionSettings, ConfluenceSettings)
"""Written out once more, because the command line asks each how it is written there."""
KnowledgeSettings = (
    FolderSettings | HtmlSettings | WebSettings | ZendeskHelpCenterSettings | NotionSettings | ConfluenceSettings
)
