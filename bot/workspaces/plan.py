"""Profiles, models and prices, checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import prompts
from bot.agent.consents import with_consents
from bot.agent.outside import is_of_servers
from bot.agent.policy import Policy, PolicyError, load_policy
from bot.agent.profile import Profile, ProfileError, UnknownProfileError, load_profile
from bot.config import Settings, SettingsError
from bot.desk.work import Models
from bot.domain.service import Service
from bot.model.claude import ClaudeModel
from bot.model.offline import OfflineModel
from bot.model.pricing import PricesError, PriceTable, load_prices
from bot.model.router import ModelRouter
from bot.ports.model import Model
from bot.workspaces.service_file import ServiceError, load_service
from tools.catalogue import ARGUMENTS

OFFLINE = "offline"
"""Id of the offline model."""


@dataclass(frozen=True)
class Plan:
    """What answers, in whose voice, at what price; the same in every workspace."""

    profiles: dict[str, Profile]
    models: Models
    prices: PriceTable
    policy: Policy
    service: Service

    @classmethod
    def check(cls, settings: Settings) -> "Plan":
        """SettingsError when a profile, model or price is missing, or a file of rules cannot be used."""
        main, helper = (OFFLINE, OFFLINE) if settings.offline else (settings.model, settings.helper_model)
        second = (helper,) if helper != main else ()
        try:
            profiles = {
                name: load_profile(name) for name in {*prompts.agent_names(), *settings.profiles_by_channel.values()}
            }
            prices = load_prices(settings.model_prices or None)
            prices.check_prices({main, helper, OFFLINE})
            _check_tools(settings)
            service = load_service(settings.service_file)
            policy = load_policy(settings.policy_file, ARGUMENTS)
        except UnknownProfileError as error:
            raise SettingsError([f"AGENT_PROFILES: {error}"]) from error
        except ProfileError as error:
            raise SettingsError(error.lines) from error
        except PricesError as error:
            raise SettingsError([f"MODEL: {error}"]) from error
        except ServiceError as error:
            raise SettingsError([f"SERVICE_FILE: {error}"]) from error
        except PolicyError as error:
            raise SettingsError([f"POLICY_FILE: {line}" for line in error.lines]) from error
        return cls(profiles, Models((main, *second), (helper,), OFFLINE), prices, policy, service)

    def with_consents(self, consents: Mapping[str, str]) -> "Plan":
        """The same with what the operator says of MCP servers, by name."""
        return replace(self, policy=with_consents(self.policy, consents))

    def model(self, settings: Settings, vendor: Model | None = None) -> Model:
        """Claude (or `vendor`) when there is a key; the offline model always, as stand-in and as degraded mode."""
        claude = vendor
        if claude is None and not settings.offline:
            key = settings.anthropic_api_key.get_secret_value()
            url, seconds = settings.anthropic_base_url, settings.model_seconds
            claude = ClaudeModel(api_key=key, base_url=url, total_deadline=seconds)
        return ModelRouter({OFFLINE: OfflineModel()}, claude)


def _check_tools(settings: Settings) -> None:
    named = (tool for tool in settings.tools_for_outsiders if not is_of_servers(tool))
    unknown = sorted(set(named) - ARGUMENTS.keys())
    if unknown:
        known = ", ".join(sorted(ARGUMENTS))
        raise SettingsError([f"EXTERNAL_TOOLS: there is no tool {unknown[0]!r}; there are: {known}"])
