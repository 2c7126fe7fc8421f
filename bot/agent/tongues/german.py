"""German. The participle stands at the end, so more may stand between it and its auxiliary."""

from bot.agent.tongues.tongue import Kind, Tongue, patterns

_WORDS = {
    "people": (
        r"kolleg\w*|\w*team|mitarbeiter\w*|mensch(?:en)?|spezialist\w*|support|\w*abteilung|buchhaltung|technik\w*|"
        r"entwickl\w*|jemand\w*|ansprechpartner\w*|vorgesetzt\w*|fachleut\w*|experte\w*"
    ),
    "somebody": r"(?:ein\w*|unser\w*|mein\w*|das|die|der)\s+(?:\w+\s+)?(?:<people>)|jemand",
    "gap": r"(?:[^.,;:!?]|(?<=\d)[.,](?=\d)){0,80}?",
    "did": (
        r"(?:\b(?:ich|wir)\s+hab(?:e|en)?|\bhabe?n?\s+(?:ich|wir)|\b<somebody>\s+(?:hat|haben)|^(?:so\s+eben|"
        r"gerade))\b<gap>\b"
    ),
    "will": r"(?:\b(?:ich|wir)\s+werden?|\bwerden?\s+(?:ich|wir)|\blassen\s+sie\s+mich)\b<gap>\b",
    "now": r"\b(?:ich|wir)\s+",
    "been": r"\s+(?:wurden?|ist|sind)\s+<gap>\b",
    "mine": (
        r"(?:ihr\w{0,2}|dein\w{0,2}|das|den|die)\s+(?:\w+\s+){0,2}?(?:konto|account|abo\w*|abonnement|tarif|plan|passwort|"
        r"e-?mail\S*|adresse|profil|einstellung\w*|plätze|zugang|zahlungsart|rechnung\w*|rolle|buchung|bestellung|vertrag)"
    ),
    "changed": (
        r"(?:geändert|aktualisiert|gekündigt|storniert|gelöscht|entfernt|geschlossen|zurückgesetzt|hochgestuft|umgestellt|"
        r"freigeschaltet|entsperrt|wiederhergestellt|deaktiviert|aktiviert|verlängert|pausiert|angepasst|korrigiert)\b"
    ),
    "refund": r"(?:rück)?erstattung|gutschrift|rückzahlung",
    "when": (
        r"\b(?:innerhalb|binnen|in)\s+(?:von\s+|der\s+nächsten\s+|den\s+nächsten\s+)?(?:\d+|ein\w*|zwei|drei|vier|fünf|wenige\w*|"
        r"einige\w*)\s*(?:bis\s+\w+\s+)?(?:minuten?|stunden?|(?:werk|arbeits)?tag\w*|wochen?)\b|\bheute\b|\bmorgen\b|"
        r"\bin\s+kürze\b|\bbald\b|\bgleich\b|\bbis\s+\w+tag\b|\bumgehend\b"
    ),
}

TONGUE = Tongue(
    words=_WORDS,
    patterns=patterns(
        {
            (Kind.ESCALATED, "did"): (
                r"<did>(?:eskaliert|hinzugezogen|eingeschaltet)\b",
                r"<did><people>\b<gap>\b(?:gebeten|informiert|verständigt|benachrichtigt|gefragt|kontaktiert|beauftragt|hinzugezogen|"
                r"eingeschaltet|übergeben|weitergegeben)\b",
                r"<did><people>\s+(?:übergeben|zugewiesen)\b",
            ),
            (Kind.ESCALATED, "will"): (
                r"<will>(?:eskalieren)\b",
                r"<will><people>\b<gap>\b(?:bitten|informieren|fragen|kontaktieren|hinzuziehen|einschalten|übergeben)\b",
                r"<now>(?:eskaliere|eskalieren)\b",
                r"<now>verbinden?\s+(?:sie|dich)\b",
                r"<now>(?:frage|bitte|informiere|kontaktiere|verständige)n?\s+<gap>\b<people>\b",
            ),
            (Kind.ESCALATED, "was"): (
                r"\b(?:ihr\w*|dein\w*|das|die|der)\s+\w+<been>eskaliert\b",
                r"\b<somebody>\s+(?:wurden?|ist|sind)\s+<gap>(?:informiert|verständigt|benachrichtigt|gebeten|eingeschaltet)\b",
                r"\b(?:ein\w*|mein\w*|unser\w*)\s+kolleg\w*\s+(?:kümmert|sieht|schaut|prüft)\b",
            ),
            (Kind.ESCALATED, "due"): (
                r"\b<somebody>\s+(?:wird|werden)\b<gap>\b(?:melden|kontaktieren|antworten|kümmern|ansehen|anschauen|prüfen|helfen|"
                r"anrufen|schreiben|übernehmen)\b",
                r"\b<somebody>\s+(?:meldet|melden|kontaktiert|antwortet|übernimmt)\b",
            ),
            (Kind.PASSED_ON, "did"): (r"<did>(?:weitergeleitet|weitergegeben|gemeldet|übermittelt|weitergereicht)\b",),
            (Kind.PASSED_ON, "will"): (
                r"<will>(?:weiterleiten|weitergeben|melden|übermitteln)\b",
                r"<now>(?:leite|gebe|melde)n?\s+<gap>\b(?:weiter|<people>)\b",
                r"<now>(?:[^.,;:!?]{0,40}?\b)?(?:melde|melden)\s+(?:mich|uns)\b",
                r"<now>kümmere?n?\s+(?:mich|uns)\b",
            ),
            (Kind.PASSED_ON, "was"): (
                r"\b(?:ihr\w*|dein\w*|das|die)\s+\w+<been>(?:weitergeleitet|weitergegeben|gemeldet)\b",
            ),
            (Kind.TICKET, "did"): (
                r"<did>(?:\w*ticket|vorgang)\b<gap>\b(?:erstellt|eröffnet|angelegt|geöffnet|aufgemacht)\b",
            ),
            (Kind.TICKET, "will"): (
                r"<will>\w*ticket\b<gap>\b(?:erstellen|eröffnen|anlegen|öffnen|aufmachen)\b",
                r"<now>(?:erstelle|eröffne|lege|öffne)n?\s+<gap>\bticket\b",
            ),
            (Kind.TICKET, "was"): (r"\bticket(?:\s+\S+)?<been>(?:erstellt|eröffnet|angelegt|geöffnet)\b",),
            (Kind.REFUNDED, "did"): (
                r"<did>(?:zurück)?(?:erstattet|gutgeschrieben|überwiesen|gezahlt)\b",
                r"<did><refund>\b<gap>\b(?:veranlasst|ausgelöst|eingeleitet|beauftragt|genehmigt|gewährt|ausgestellt|angewiesen)\b",
            ),
            (Kind.REFUNDED, "will"): (
                r"<will>(?:zurück)?(?:erstatten|gutschreiben|überweisen|zahlen)\b",
                r"<will><refund>\b<gap>\b(?:veranlassen|auslösen|einleiten|genehmigen)\b",
                r"<now>(?:erstatte|veranlasse|überweise)n?\s+(?:ihnen|dir|den|das|die|eine)\b",
                r"<now>schreiben?\s+<gap>\bgut\b",
            ),
            (Kind.REFUNDED, "was"): (
                r"\b(?:geld|betrag)\s+ist\s+<gap>\bunterwegs\b",
                r"\b<refund><been>(?:veranlasst|ausgelöst|eingeleitet|bearbeitet|genehmigt|unterwegs|überwiesen)\b",
                r"\b(?:ihr\w{0,2}|dein\w{0,2}|der|das|die)\s+(?:geld|betrag|zahlung|abbuchung|rechnung)<been>(?:zurück)?"
                r"(?:erstattet|gutgeschrieben|überwiesen|gebucht)\b",
            ),
            (Kind.REFUNDED, "due"): (
                r"\b(?:geld|betrag)\s+wird\b<gap>\b(?:zurück)?(?:erstattet|überwiesen|gutgeschrieben)\b",
                r"\b(?:sie\s+(?:bekommen|erhalten)|du\s+(?:bekommst|erhältst))\s+<gap>\b(?:geld|betrag|<refund>)\b",
            ),
            (Kind.CHANGED, "did"): (
                r"<did>(?:sie|dich|das|es|dies)\b<gap>\b(?:umgestellt|hochgestuft|herabgestuft|hinzugefügt|entfernt|abgemeldet|"
                r"freigeschaltet|storniert|gekündigt|gelöscht|geändert)\b",
                r"<did><mine>\b<gap>\b<changed>",
            ),
            (Kind.CHANGED, "will"): (
                r"<will><mine>\b<gap>\b(?:ändern|aktualisieren|kündigen|stornieren|löschen|zurücksetzen|umstellen|sperren)\b",
                r"<now>(?:ändere|aktualisiere|kündige|storniere|lösche|entsperre)n?\s+<gap><mine>\b",
            ),
            (Kind.CHANGED, "was"): (r"\b<mine><been><changed>",),
            (Kind.CONTACT, "did"): (
                r"<did>(?:ihnen|dir|euch|sie|dich)\b<gap>\b(?:angerufen|gemailt|angeschrieben)\b",
                r"<did>(?:ihnen|dir|euch)\b<gap>\b(?:e-?mail|mail|link|rechnung|nachricht|sms)\b<gap>\b(?:geschickt|gesendet|"
                r"geschrieben|zugesandt)\b",
            ),
            (Kind.CONTACT, "will"): (
                r"<will>(?:anrufen|mailen)\b",
                r"<will>(?:e-?mail|mail|link|rechnung|nachricht|sms)\b<gap>\b(?:schicken|senden|schreiben|zusenden)\b",
                r"<now>(?:schicke|sende|schreibe|maile)n?\s+(?:ihnen|dir|euch)\b",
                r"<now>rufen?\s+(?:sie|dich|ihnen)\b",
            ),
            (Kind.CONTACT, "due"): (
                r"\b(?:sie\s+(?:bekommen|erhalten)|du\s+(?:bekommst|erhältst))\s+<gap>\b(?:e-?mail|mail|anruf|nachricht)\b",
            ),
            (Kind.PERSON, "was"): (
                r"\bich\s+bin\s+(?:(?:ja|doch|auch|wirklich)\s+)?eine?\s+(?:echte[rn]?\s+)?(?:mensch|person)\b",
                r"\b(?:hier\s+ist|ich\s+bin|mein\s+name\s+ist)\s+\w+(?:\s+\w+)?,\s+eine?\s+(?:echte[rn]?\s+)?(?:mensch|person)\b",
            ),
            (Kind.TIME, "due"): (
                r"(?:\b(?:ich|wir|<somebody>)\s+(?:werden?|wird|melde\w*|antworte\w*|rufe\w*|schicke\w*)|"
                r"\b(?:sie|du)\s+(?:hören?|hörst|bekommen|bekommst|erhalten|erhältst)|\bmeldet\s+sich)\b[^.!?;]{0,90}?<when>",
            ),
        }
    ),
    negations=r"\b(?:nicht|kein\w*|nie(?:mals|mand\w*)?|nichts|ohne|weder)\b",
    conditions=r"\b(?:wenn|falls|sobald|sofern|ob|bevor|nachdem|möchten\s+sie|möchtest\s+du|soll(?:en|te)?|damit)\b",
    reports=r"\b(?:sie|du)\s+(?:schreiben|schreibst|sagten|sagen|sagst|erwähn\w*|mein\w*)\b|\b(?:artikel|richtlinie)\s+\w*sagt\b|\btut\s+mir\s+leid\b",
    offers=r"^\W*(?:bitte\s+)?(?:schicken|senden|nennen|sagen|geben|teilen|schreiben|antworten|schick|sag|nenn|gib|schreib)\b",
)
