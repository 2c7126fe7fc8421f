"""Italian."""

from bot.agent.tongues.tongue import Kind, Tongue, patterns

_WORDS = {
    "people": (
        r"colleg\w*|team|squadra|operator\w*|person\w|specialist\w*|responsabil\w*|tecnic\w*|assistenza|"
        r"reparto|qualcuno|supporto|ingegner\w*"
    ),
    "somebody": r"(?:un[ao']?|il|la|i|mio|nostr\w)\s*(?:(?:nostr\w|mi[oa])\s+)?(?:<people>)|qualcuno",
    "adv": r"(?:\s+(?:gi[àa]|anche|appena|ora|subito|anche|quindi)){0,3}",
    "pron": r"(?:(?:le|ti|vi|lo|la|gli|l'|glielo|gliel'|te\s+l'|ve\s+l')\s*){0,3}",
    "did": r"(?:\b<pron>(?:ho|abbiamo)|\b<somebody>\s+<pron>(?:ha|hanno))<adv>\s+",
    "will": r"(?:\b<pron>(?:sto|stiamo)\s+per|\bora\s+provvedo\s+a|\bmi\s+permetta\s+di|\bprovveder[òo]\s+a)\s+",
    "been": r"\s+(?:[èe]|sono)<adv>\s+stat[oaie]<adv>\s+|\s+(?:[èe]|sono)\s+",
    "gap": r"(?:[^.,;:!?]|(?<=\d)[.,](?=\d)){0,70}?",
    "mine": (
        r"(?:il\s+(?:suo|tuo)|la\s+(?:sua|tua)|i\s+(?:suoi|tuoi)|il|la|l'|suo|tuo|sua|tua)\s*(?:\w+\s+){0,2}?(?:account|abbonamento|piano|password|e-?mail|indirizzo|profilo|"
        r"impostazioni|accesso|fattura|ordine|pagamento|ruolo)"
    ),
    "refund": r"rimborso|accredito|storno",
    "when": (
        r"\b(?:entro|tra|fra|in)\s+(?:le\s+prossime\s+|i\s+prossimi\s+)?(?:\d+|un[ao']?|due|tre|pochi|poche|qualche)\s*(?:minut\w|or[ae]|giorn\w|"
        r"settiman\w)\b|\boggi\b|\bdomani\b|\bpresto\b|\ba\s+breve\b|\bsubito\b"
    ),
}

TONGUE = Tongue(
    words=_WORDS,
    patterns=patterns(
        {
            (Kind.ESCALATED, "did"): (
                r"<did>(?:escalato|coinvolto)\b",
                r"<did>(?:chiesto|informato|avvisato|contattato|allertato|passato|affidato|assegnato)\s+<gap>\b<people>\b",
            ),
            (Kind.ESCALATED, "will"): (
                r"\b<pron>(?:informer[òo]|avviser[òo]|contatter[òo]|chieder[òo]|coinvolger[òo]|avviso|contatto|informo|coinvolgo|passo|passer[òo])\s+<gap>\b<people>\b",
            ),
            (Kind.ESCALATED, "due"): (
                r"\b<somebody>\s+<pron>(?:contatter[àa]|risponder[àa]|ricontatter[àa]|scriver[àa]|chiamer[àa]|aiuter[àa]|occuper[àa]|"
                r"esaminer[àa]|si\s+occuper[àa]|si\s+metter[àa])",
                r"\bverr[àa]\s+(?:ri)?contattat[oa]\b",
            ),
            (Kind.ESCALATED, "was"): (r"\b<somebody><been>(?:avvisat|informat|coinvolt)[oaie]\b",),
            (Kind.PASSED_ON, "did"): (r"<did>(?:inoltrato|trasmesso|segnalato|girato)\b",),
            (Kind.PASSED_ON, "will"): (
                r"\b<pron>(?:inoltrer[òo]|inoltro|inoltreremo|trasmetter[òo]|segnaler[òo]|segnalo|far[òo]\s+sapere|faremo\s+sapere)\b",
            ),
            (Kind.PASSED_ON, "was"): (r"\b(?:sua|tua|suo|tuo)\s+\w+<been>(?:inoltrat|trasmess|segnalat)[oa]\b",),
            (Kind.TICKET, "did"): (r"<did>(?:aperto|creato|registrato)\s+<gap>\b(?:tickets?|segnalazione|pratica)\b",),
            (Kind.TICKET, "will"): (
                r"\b<pron>(?:aprir[òo]|apro|creer[òo]|creo|apriremo)\s+<gap>\b(?:ticket|segnalazione|pratica)\b",
            ),
            (Kind.TICKET, "was"): (r"\bticket(?:\s+\S+)?<been>(?:apert|creat|registrat)o\b",),
            (Kind.REFUNDED, "did"): (
                r"<did>(?:rimborsato|accreditato|stornato)\b",
                r"<did>(?:emesso|effettuato|provveduto|elaborato|disposto|avviato|approvato|richiesto)\s+<gap>\b<refund>\b",
            ),
            (Kind.REFUNDED, "will"): (
                r"\b<pron>(?:rimborser[òo]|rimborseremo|rimborso\s+(?:subito|l'|il)|accrediteremo)\b",
                r"\b(?:proceder[òo]|procedo|procederemo)\s+<gap>\b<refund>\b",
            ),
            (Kind.REFUNDED, "was"): (
                r"\b(?:<refund>|importo|denaro|pagamento)(?:\s+di\s+\S+)?<been>(?:emess|effettuat|elaborat|dispost|avviat|approvat|rimborsat|"
                r"accreditat|in\s+cors|in\s+arriv)[oa]\b",
            ),
            (Kind.REFUNDED, "due"): (
                r"\b(?:ricever[àa]i?|avr[àa]i?)\s+<gap>\b(?:rimborso|denaro)\b",
                r"\b(?:sar[àa]i?|verr[àa]i?)\s+rimborsat[oa]\b",
            ),
            (Kind.CHANGED, "did"): (
                r"<did>(?:modificato|cambiato|aggiornato|annullato|disdetto|cancellato|eliminato|chiuso|reimpostato|attivato|"
                r"disattivato|sbloccato)\s+<gap><mine>\b",
            ),
            (Kind.CHANGED, "will"): (
                r"\b<pron>(?:modificher[òo]|cambier[òo]|aggiorner[òo]|annuller[òo]|canceller[òo]|eliminer[òo]|reimposter[òo])\s+<gap><mine>\b",
            ),
            (Kind.CHANGED, "was"): (
                r"\b<mine><been>(?:modificat|cambiat|aggiornat|annullat|disdett|cancellat|eliminat|chius|reimpostat|sbloccat)[oa]\b",
            ),
            (Kind.CONTACT, "did"): (
                r"<did>(?:inviato|mandato|spedito)\s+<gap>\b(?:e-?mail|mail|link|messaggio|fattura)\b",
                r"<did>(?:chiamato|telefonato)\b",
            ),
            (Kind.CONTACT, "will"): (
                r"\b<pron>(?:invier[òo]|invieremo|mander[òo]|manderemo|chiamer[òo]|chiameremo|scriver[òo]|scriveremo|telefoneremo)\b",
                r"\b(?:le|ti|vi)\s+(?:invio|mando|scrivo|chiamo)\b",
            ),
            (Kind.CONTACT, "due"): (r"\bricever[àa]i?\s+<gap>\b(?:e-?mail|mail|chiamata|messaggio)\b",),
            (Kind.PERSON, "was"): (
                r"\bsono\s+(?:davvero\s+)?un(?:a\s+|o\s+|'|\s+)?(?:vera\s+)?(?:persona|uman[oa]|essere\s+umano)\b(?!\s+(?:per|a|ogni|ciascun\w*)\b)",
            ),
            (Kind.TIME, "due"): (
                r"(?:\b<pron>\w+(?:r[òo]|remo)|\b<somebody>\s+(?:si\s+)?<pron>\w+r[àa]|\b(?:ricever|avr)[àa]i?)(?!\w)[^.!?;]{0,90}?<when>",
            ),
        }
    ),
    negations=r"\b(?:non|mai|nessun\w*|senza|n[ée])\b",
    conditions=r"\b(?:se|quando|una\s+volta|appena\s+(?!inoltrato)|prima|dopo|vuole\s+che|vuoi\s+che|qualora)\b",
    reports=r"\b(?:dice|dici|scrive|scrivi|menziona|indica)\s+che\b|\barticolo\s+dice\b|\bmi\s+dispiace\s+che\b",
    offers=r"^\W*(?:invi[ai]|mi\s+dica|dimmi|mand[ai]|scriv[ai]|pu[òo]|potrebbe|conferm[ai]|indich[ii])\b",
)
