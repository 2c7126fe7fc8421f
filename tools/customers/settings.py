"""All customer directories that the connectors file can name, by their `kind`."""

from tools.customers.database_query import DatabaseQuerySettings
from tools.customers.http_record import HttpRecordSettings
from tools.customers.hubspot import HubSpotSettings
from tools.customers.intercom import IntercomSettings
from tools.customers.stripe import StripeSettings
from tools.customers.zendesk_users import ZendeskUsersSettings

CustomerSettings = (
    DatabaseQuerySettings
    | HttpRecordSettings
    | HubSpotSettings
    | ZendeskUsersSettings
    | IntercomSettings
    | StripeSettings
)
