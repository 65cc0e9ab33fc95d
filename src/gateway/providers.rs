//! Providers that programs ask, and the variables by which they can be sent elsewhere.

use crate::model::exchange::Interface;

/// A provider whose programs can be sent elsewhere by a variable.
pub(super) struct Provider {
    /// Its name in addresses of the gateway.
    pub name: &'static str,
    /// Where it is asked by default, as the variables below give it.
    pub base: &'static str,
    /// The variables that send its programs elsewhere.
    pub addresses: &'static [&'static str],
    /// The variables that hold its keys.
    pub keys: &'static [&'static str],
}

/// Every such provider.
pub(super) const PROVIDERS: [Provider; 4] = [
    Provider {
        name: "anthropic",
        base: "https://api.anthropic.com",
        addresses: &["ANTHROPIC_BASE_URL"],
        keys: &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
    },
    Provider {
        name: "openai",
        base: "https://api.openai.com/v1",
        addresses: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        keys: &["OPENAI_API_KEY", "CODEX_API_KEY"],
    },
    Provider {
        name: "gemini",
        base: "https://generativelanguage.googleapis.com",
        addresses: &["GOOGLE_GEMINI_BASE_URL"],
        keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    },
    // LiteLLM wants the version of the interface in its address.
    Provider {
        name: "gemini-v1beta",
        base: "https://generativelanguage.googleapis.com/v1beta",
        addresses: &["GEMINI_API_BASE"],
        keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    },
];

/// The variables that send programs elsewhere.
pub fn addresses() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().flat_map(|provider| provider.addresses).copied()
}

impl Provider {
    /// The one whose interface this is.
    pub(super) fn of(interface: Interface) -> Option<&'static Self> {
        let name = match interface {
            Interface::Anthropic => "anthropic",
            Interface::OpenAiResponses | Interface::OpenAiChat => "openai",
            Interface::Gemini => "gemini",
        };
        PROVIDERS.iter().find(|provider| provider.name == name)
    }
}
