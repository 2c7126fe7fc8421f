"""French."""

from bot.agent.tongues.tongue import Kind, Tongue, patterns

_WORDS = {
    "people": (
        r"coll[eè]gues?|[ée]quipes?|humain|personne|conseill\w*|sp[ée]cialistes?|responsables?|techniciens?|ing[ée]nieurs?|"
        r"service\s+\w+|support|d[ée]veloppeurs?|comptabilit[ée]"
    ),
    "somebody": r"(?:un\w?|notre|mon|ma|mes|nos|l'|le|la)\s*(?:\w+\s+)?<people>|quelqu'un",
    "adv": (
        r"(?:\s+(?:d[ée]j[àa]|bien|aussi|[ée]galement|imm[ée]diatement|maintenant|tout\s+de\s+suite|donc|juste)){0,3}"
    ),
    "did": (
        r"(?:\bj'(?:en\s+)?ai|\bje\s+(?:vous\s+|te\s+|t'|l'|les\s+|vous\s+l'|lui\s+){0,3}ai|"
        r"\bnous\s+(?:vous\s+|te\s+|l'|les\s+|vous\s+l'){0,3}avons|\b<somebody>\s+(?:vous\s+)?(?:a|ont)|"
        r"\bje\s+viens\s+d[e'](?:\s+vous)?|\bnous\s+venons\s+d[e'])<adv>\s*\b"
    ),
    "will": r"(?:\bje\s+vais|\bnous\s+allons|\blaissez-moi)<adv>\s+(?:vous\s+|le\s+|la\s+|l'|les\s+|te\s+){0,3}",
    "now": r"(?:\bje|\bnous)\s+(?:vous\s+|le\s+|la\s+|l'|les\s+|te\s+|t'){0,3}",
    "been": r"\s+(?:a|ont)<adv>\s+[ée]t[ée]<adv>\s+|\s+(?:est|sont)<adv>\s+",
    "gap": r"(?:[^.,;:!?]|(?<=\d)[.,](?=\d)){0,70}?",
    "mine": (
        r"(?:votre|vos|ton|ta|tes|le|la|l'|ce)\s*(?:\w+\s+){0,2}?(?:comptes?|abonnements?|forfait|plan|mot\s+de\s+passe|e-?mail|adresse|"
        r"profil|param[eè]tres?|acc[eè]s|factur\w*|commande|contrat|paiement|r[ôo]le)"
    ),
    "refund": r"remboursement|avoir|cr[ée]dit",
    "when": (
        r"\b(?:sous|dans|d'ici|en)\s+(?:les\s+)?(?:\d+|une?|deux|trois|quelques)\s*(?:prochaines?\s+)?(?:minutes?|heures?|jours?|semaines?|h\b)|"
        r"\baujourd'hui\b|\bdemain\b|\bbient[ôo]t\b|\brapidement\b|\bsous\s+peu\b|\btr[eè]s\s+vite\b|\bd'ici\s+\w+di\b"
    ),
}

TONGUE = Tongue(
    words=_WORDS,
    patterns=patterns(
        {
            (Kind.ESCALATED, "did"): (
                r"<did>(?:escalad\w*|fait\s+remonter|remont[ée]\w*|sollicit[ée]\w*|escalader)\b",
                r"<did>(?:demand[ée]|inform[ée]|pr[ée]venu|averti|contact[ée]|alert[ée]|confi[ée]|transmis|transf[ée]r[ée])\w*\s+"
                r"<gap>\b<people>\b",
            ),
            (Kind.ESCALATED, "will"): (
                r"<now>(?:mets|mettons)\s+en\s+relation\b",
                r"<will>(?:escalader|faire\s+remonter|remonter)\b",
                r"<will>(?:demander|informer|pr[ée]venir|contacter|alerter|confier|solliciter)\s+<gap>\b<people>\b",
                r"<now>(?:contacte|informe|pr[ée]viens|sollicite|fais\s+remonter)\w*\b<gap>\b<people>\b",
            ),
            (Kind.ESCALATED, "due"): (
                r"\b<somebody>\s+(?:revient|reviennent)\s+vers\s+vous\b",
                r"\b<somebody>\s+(?:va|vont)\s+(?:vous\s+|te\s+|s'en\s+|prendre\s+)?(?:contacter|r[ée]pondre|recontacter|rappeler|examiner|"
                r"occuper|contact|aider|[ée]crire|revenir)\b",
                r"\b<somebody>\s+(?:vous\s+|te\s+|s'en\s+)(?:contactera|r[ée]pondra|recontactera|rappellera|occupera|aidera|[ée]crira|occupe|"
                r"reviendra)\b",
                r"\b<somebody>\s+(?:reviendra|prendra\s+contact|examinera)\b",
                r"\bvous\s+serez\s+(?:re)?contact[ée]\w*\b",
            ),
            (Kind.ESCALATED, "was"): (
                r"\b<somebody><been>(?:pr[ée]venu|inform[ée]|averti|sollicit[ée]|contact[ée])\w*\b",
            ),
            (Kind.PASSED_ON, "did"): (r"<did>(?:transmis|transf[ée]r[ée]|signal[ée]|transmettre|relay[ée])\w*\b",),
            (Kind.PASSED_ON, "will"): (
                r"<will>(?:transmettre|transf[ée]rer|signaler|revenir\s+vers)\b",
                r"<now>(?:transmets|transmettons|transf[èe]re|transmettrai|signale|reviens\s+vers|reviendrai|reviendrons)\b",
            ),
            (Kind.PASSED_ON, "was"): (r"\bvotre\s+\w+<been>(?:transmis|transf[ée]r[ée])\w*\b",),
            (Kind.TICKET, "did"): (
                r"<did>(?:ouvert|cr[ée][ée]|enregistr[ée]|ouvrir|cr[ée]er)\s+<gap>\b(?:tickets?|dossier)\b",
            ),
            (Kind.TICKET, "will"): (
                r"<will>(?:ouvrir|cr[ée]er)\s+<gap>\b(?:ticket|dossier)\b",
                r"<now>(?:ouvre|cr[ée]e|ouvrirai)\s+<gap>\b(?:ticket|dossier)\b",
            ),
            (Kind.TICKET, "was"): (r"\b(?:ticket|dossier)(?:\s+\S+)?<been>(?:ouvert|cr[ée][ée]|enregistr[ée])\b",),
            (Kind.REFUNDED, "did"): (
                r"<did>(?:rembours[ée]\w*|cr[ée]dit[ée]\w*|rembourser)\b",
                r"<did>(?:effectu[ée]|[ée]mis|lanc[ée]|proc[ée]d\w*|accord[ée]|valid[ée]|initi[ée])\s+<gap>\b<refund>\b",
            ),
            (Kind.REFUNDED, "will"): (
                r"<will>(?:rembourser|cr[ée]diter)\b",
                r"\b(?:je|nous)\s+(?:vous|te|le|la|l')\s*(?:rembourse|remboursons|cr[ée]dite)\b|<now>rembourser(?:ai|ons)\b",
                r"<will>(?:proc[ée]der\s+au|effectuer|lancer|accorder)\s+<gap>\b<refund>\b",
            ),
            (Kind.REFUNDED, "was"): (
                r"\b<refund>(?:\s+de\s+\S+(?:\s+\S+)?)?<been>(?:effectu[ée]|[ée]mis|lanc[ée]|trait[ée]|valid[ée]|accord[ée]|en\s+cours|en\s+route)\b",
                r"\b(?:vous\s+avez|votre\s+\w+\s+a)<adv>\s+[ée]t[ée]\s+(?:rembours[ée]|cr[ée]dit[ée])\w*\b",
            ),
            (Kind.REFUNDED, "due"): (
                r"\bvous\s+(?:serez\s+rembours[ée]\w*|recevrez\s+<gap>\b(?:remboursement|argent)|allez\s+[êe]tre\s+rembours[ée]\w*)\b",
            ),
            (Kind.CHANGED, "did"): (
                r"<did>(?:modifi[ée]|chang[ée]|mis\s+[àa]\s+jour|annul[ée]|r[ée]sili[ée]|supprim[ée]|ferm[ée]|r[ée]initialis[ée]|activ[ée]|"
                r"d[ée]sactiv[ée]|d[ée]bloqu[ée]|r[ée]tabli|annuler|supprimer|modifier)\w*\s+<gap><mine>\b",
            ),
            (Kind.CHANGED, "will"): (
                r"<will>(?:modifier|changer|annuler|r[ée]silier|supprimer|fermer|r[ée]initialiser|activer|d[ée]bloquer|mettre\s+[àa]\s+jour)"
                r"\s+<gap><mine>\b",
            ),
            (Kind.CHANGED, "was"): (
                r"\b<mine><been>(?:modifi[ée]|chang[ée]|mis\w?\s+[àa]\s+jour|annul[ée]|r[ée]sili[ée]|supprim[ée]|ferm[ée]|r[ée]initialis[ée]|"
                r"d[ée]bloqu[ée])\w*\b",
            ),
            (Kind.CONTACT, "did"): (
                r"<did>(?:envoy[ée]|envoyer)\w*\s+<gap>\b(?:e-?mail|courriel|lien|message|facture|sms)\b",
                r"<did>(?:appel[ée]|t[ée]l[ée]phon[ée])\w*\b",
            ),
            (Kind.CONTACT, "will"): (
                r"<will>(?:envoyer|appeler|rappeler|[ée]crire)\b",
                r"\b(?:je|nous)\s+vous\s+(?:envoie|envoyons|enverrai|enverrons|appellerai|appellerons|rappellerai|[ée]crirai|[ée]crirons)\b",
            ),
            (Kind.CONTACT, "due"): (
                r"\bvous\s+(?:recevrez|allez\s+recevoir)\s+<gap>\b(?:e-?mail|courriel|appel|message|sms)\b",
            ),
            (Kind.PERSON, "was"): (
                r"\bje\s+suis\s+(?:bien\s+)?(?:une?\s+)?(?:vraie?\s+)?(?:humaine?|personne|être\s+humain)\b",
            ),
            (Kind.TIME, "due"): (
                r"(?:\b(?:je|nous|<somebody>)\s+(?:(?:vous|te|s'en|l[ea])\s+)?\w+(?:ra|rai|rons|ront)|\b(?:je\s+vais|nous\s+allons|<somebody>\s+va)|"
                r"\bvous\s+(?:recevrez|aurez|serez))\b[^.!?;]{0,90}?<when>",
            ),
        }
    ),
    negations=r"\b(?:pas|jamais|aucun\w*|personne\s+ne|sans|ni|rien)\b|\bn'",
    conditions=r"\b(?:si|lorsque|quand|d[èe]s\s+que|une\s+fois|avant|apr[èe]s|voulez-vous|souhaitez-vous|afin)\b|\bs'il\b",
    reports=r"\bvous\s+(?:dites|avez\s+dit|[ée]crivez|mentionn\w*|indiquez)\b|\barticle\s+(?:dit|indique)\b|\bd[ée]sol[ée]\w*\s+que\b",
    offers=r"^\W*(?:envoyez|donnez|indiquez|dites|pouvez-vous|pourriez-vous|r[ée]pondez|confirmez|merci\s+de)\b",
)
