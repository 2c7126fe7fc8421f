"""Dutch. As in German the participle stands at the end."""

from bot.agent.tongues.tongue import Kind, Tongue, patterns

_WORDS = {
    "people": (
        r"collega\w*|\w*team|medewerker\w*|mens(?:en)?|specialist\w*|support|\w*afdeling|iemand|engineers?|"
        r"ontwikkelaar\w*"
    ),
    "somebody": r"(?:een|ons|onze|mijn|het|de)\s+(?:\w+\s+)?(?:<people>)|iemand",
    "gap": r"(?:[^.,;:!?]|(?<=\d)[.,](?=\d)){0,80}?",
    "did": r"(?:\b(?:ik\s+heb|(?:we|wij)\s+hebben|heb\s+ik|hebben\s+(?:we|wij))|\b<somebody>\s+heeft)\b<gap>\b",
    "will": r"(?:\bik\s+(?:zal|ga)|\b(?:we|wij)\s+(?:zullen|gaan)|\b(?:zal|ga)\s+ik|\blaat\s+me)\b<gap>\b",
    "now": r"\b(?:ik|we|wij)\s+",
    "been": r"\s+(?:werd|werden|is|zijn)\s+<gap>\b",
    "mine": (
        r"(?:uw|je|jouw|het|de)\s+(?:\w+\s+){0,2}?(?:account|abonnement|plan|wachtwoord|e-?mail\w*|adres|profiel|instelling\w*|"
        r"toegang|factuur|betaling|rol|bestelling)"
    ),
    "changed": (
        r"(?:gewijzigd|veranderd|bijgewerkt|aangepast|opgezegd|geannuleerd|verwijderd|gesloten|gereset|"
        r"geactiveerd|stopgezet|verlengd)\b"
    ),
    "refund": r"terugbetaling|restitutie|tegoed|creditering",
    "when": (
        r"\bbinnen\s+(?:de\s+komende\s+)?(?:\d+|een|twee|drie|enkele|een\s+paar)\s*(?:minuten|minuut|uur|uren|(?:werk)?dag(?:en)?|weken|week)\b|"
        r"\bvandaag\b|\bmorgen\b|\bzo\s+meteen\b|\bbinnenkort\b|\bspoedig\b|\bzo\s+snel\b(?!\s+mogelijk)"
    ),
}

TONGUE = Tongue(
    words=_WORDS,
    patterns=patterns(
        {
            (Kind.ESCALATED, "did"): (
                r"<did>(?:geëscaleerd|ingeschakeld)\b",
                r"<did><people>\b<gap>\b(?:gevraagd|geïnformeerd|ingelicht|ingeschakeld|gewaarschuwd|overgedragen)\b",
            ),
            (Kind.ESCALATED, "will"): (
                r"<will>(?:escaleren|inschakelen)\b",
                r"<now>(?:escaleer|escaleren)\b",
                r"<now>(?:vraag|informeer|schakel)\s+<gap>\b<people>\b",
                r"<will><people>\b<gap>\b(?:vragen|informeren|inlichten)\b",
            ),
            (Kind.ESCALATED, "due"): (
                r"\b<somebody>\s+(?:zal|zullen|gaat)\b<gap>\b(?:opnemen|antwoorden|reageren|kijken|helpen|bellen|mailen|overnemen)\b",
                r"\b<somebody>\s+(?:neemt|nemen)\b<gap>\bcontact\b",
            ),
            (Kind.ESCALATED, "was"): (r"\b<somebody><been>(?:ingelicht|geïnformeerd|gevraagd|ingeschakeld)\b",),
            (Kind.PASSED_ON, "did"): (r"<did>(?:doorgestuurd|doorgegeven|gemeld|doorgezet)\b",),
            (Kind.PASSED_ON, "will"): (
                r"<will>(?:doorsturen|doorgeven|melden|doorzetten)\b",
                r"<now>(?:stuur|geef|zet)\s+<gap>\bdoor\b",
                r"<now>(?:kom|komen)\s+<gap>\bop\s+terug\b",
            ),
            (Kind.PASSED_ON, "was"): (r"\b(?:uw|je|dit|het)\s+\w*<been>(?:doorgestuurd|doorgegeven)\b",),
            (Kind.TICKET, "did"): (r"<did>\w*ticket\b<gap>\b(?:aangemaakt|geopend|gemaakt)\b",),
            (Kind.TICKET, "will"): (
                r"<will>ticket\b<gap>\b(?:aanmaken|openen|maken)\b",
                r"<now>(?:maak|open)\s+<gap>\bticket\b",
            ),
            (Kind.TICKET, "was"): (r"\bticket(?:\s+\S+)?<been>(?:aangemaakt|geopend)\b",),
            (Kind.REFUNDED, "did"): (
                r"<did>(?:terugbetaald|teruggestort|vergoed|gecrediteerd|terugbetalen)\b",
                r"<did><refund>\b<gap>\b(?:verwerkt|uitgevoerd|goedgekeurd|aangevraagd|gestart)\b",
            ),
            (Kind.REFUNDED, "will"): (
                r"<will>(?:terugbetalen|terugstorten|vergoeden|crediteren)\b",
                r"<now>(?:betaal|stort|betalen|storten)\s+<gap>\bterug\b",
            ),
            (Kind.REFUNDED, "was"): (
                r"\b<refund><been>(?:verwerkt|uitgevoerd|goedgekeurd|onderweg)\b",
                r"\b(?:uw|je|jouw|het)\s+(?:geld|bedrag|betaling)<been>(?:terugbetaald|teruggestort|vergoed)\b",
            ),
            (Kind.REFUNDED, "due"): (r"\b(?:u|je)\s+(?:krijgt|ontvangt)\s+<gap>\b(?:geld|bedrag|<refund>)\b",),
            (Kind.CHANGED, "did"): (r"<did><mine>\b<gap>\b<changed>",),
            (Kind.CHANGED, "will"): (
                r"<will><mine>\b<gap>\b(?:wijzigen|veranderen|bijwerken|aanpassen|opzeggen|annuleren|verwijderen|resetten)\b",
            ),
            (Kind.CHANGED, "was"): (r"\b<mine><been><changed>",),
            (Kind.CONTACT, "did"): (
                r"<did>(?:u|je|jou)\b<gap>\b(?:gebeld|gemaild|geschreven)\b",
                r"<did>(?:u|je|jou)\b<gap>\b(?:e-?mail|mail|link|factuur|bericht|sms)\b<gap>\b(?:gestuurd|verzonden)\b",
            ),
            (Kind.CONTACT, "will"): (
                r"<will>(?:bellen|mailen)\b",
                r"<will>(?:e-?mail|mail|link|bericht)\b<gap>\b(?:sturen|zenden)\b",
                r"<now>(?:bel|mail|bellen|mailen)\s+(?:u|je|jou)\b",
                r"<now>(?:stuur|sturen)\s+(?:u|je|jou)\b",
            ),
            (Kind.PERSON, "was"): (r"\bik\s+ben\s+een\s+(?:echte?\s+)?(?:mens|persoon)\b",),
            (Kind.TIME, "due"): (
                r"(?:\b(?:ik|we|wij|<somebody>)\s+(?:zal|zullen|ga|gaan|gaat|neemt|nemen|kom|komen|antwoord\w*)|\b(?:u|je)\s+"
                r"(?:hoort|krijgt|ontvangt))\b[^.!?;]{0,90}?<when>",
            ),
        }
    ),
    negations=r"\b(?:niet|geen|nooit|niemand|niets|zonder|noch)\b",
    conditions=r"\b(?:als|indien|zodra|wanneer|of|voordat|nadat|wilt\s+u|wil\s+je|zou(?:den)?)\b",
    reports=r"\b(?:u|je)\s+(?:schrijft|schreef|zei|zegt|meldt|noemt)\b|\bartikel\s+zegt\b|\bjammer\s+dat\b|\bvervelend\b",
    offers=r"^\W*(?:stuur|geef|noem|laat|schrijf|zeg|kunt\s+u|kun\s+je)\b",
)
