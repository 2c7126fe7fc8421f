"""English."""

from bot.agent.tongues.tongue import Kind, Tongue, patterns

_WORDS = {
    "people": (
        r"colleagues?|humans?|persons?|people|teams?|agents?|specialists?|managers?|supervisors?|someone|somebody|"
        r"staff|support|billing|engineers?|engineering|developers?|finance|departments?|experts?|representatives?"
    ),
    "somebody": r"(?:an?|our|my|the|another|one of (?:our|my|the))\s+(?:\w+\s+){0,3}?<people>|someone|somebody|billing",
    "adv": (
        r"(?:\s+(?:just|already|now|also|since|today|indeed|then|even|both|again|gone ahead and|went ahead and|"
        r"taken the liberty of|\w+ly)){0,4}"
    ),
    "have": (
        r"(?:\b(?:i|we)(?:'ve|\s+have|\s+did)?|\b<somebody>(?:\s+(?:has|have)|'s)?|(?:^|"
        r"[,:;\u2013—]\s*)(?:done|just|ok))"
    ),
    "did": r"<have><adv>,?\s+",
    "also": r"\b(?:i|we)(?:'ve|\s+have)?\s[^.;!?]{1,80}?\band<adv>\s+",
    "start": r"(?:(?:^|[,:;\u2013—-]\s+)(?:just\s+|already\s+|now\s+)?|<also>)",
    "will": (
        r"(?:\b(?:i|we)(?:'ll|\s+will|\s+shall|'m|\s+am|'re|\s+are)(?:\s+going\s+to)?|\blet\s+me|\ballow\s+me\s+to)"
        r"<adv>\s+(?:go ahead and\s+)?"
    ),
    "gap": r"(?:(?!\byou\s+(?:how\s+|can\s+|could\s+)?to\b|\bhow\b|\bwhat\b)(?:[^.,;!?]|(?<=\d)[.,](?=\d))){0,60}?",
    "been": r"(?:\s+(?:has|have)|'s|'ve)<adv>\s+been<adv>\s+|\s+(?:was|were|is\s+now|are\s+now)<adv>\s+",
    "things": (
        r"(?:accounts?|subscriptions?|plans?|passwords?|e-?mail|address|"
        r"profile|settings?|seats?|users?|workspaces?|boards?|billing|invoices?|payment|card|trial|order|booking|"
        r"membership|data|name|roles?|permissions?|limits?|2fa|login|access|keys?|renewal|number)"
    ),
    "mine": r"(?:your|the|this|that)\s+(?:[\w'-]+\s+){0,3}?<things>",
    "changed": (
        r"changed|updated|cancell?ed|deleted|removed|closed|reset|upgraded|downgraded|re-?activated|activated|"
        r"deactivated|unlocked|restored|disabled|enabled|switched|moved|extended|paused|renewed|corrected|fixed|"
        r"adjusted|merged|added|turned\s+(?:on|off)|stopped|revoked"
    ),
    "change": (
        r"chang(?:e|ing)|updat(?:e|ing)|cancell?(?:ing)?|delet(?:e|ing)|remov(?:e|ing)|clos(?:e|ing)|reset(?:ting)?|"
        r"upgrad(?:e|ing)|downgrad(?:e|ing)|(?:re-?)?activat(?:e|ing)|unlock(?:ing)?|restor(?:e|ing)|disabl(?:e|ing)|"
        r"enabl(?:e|ing)|switch(?:ing)?|extend(?:ing)?|paus(?:e|ing)|fix(?:ing)?|adjust(?:ing)?"
    ),
    "credit": r"refunds?|credits?|reimbursements?|chargebacks?|reversals?|money\s+back|discounts?",
    "ticket": r"(?:tickets?|support\s+case|service\s+request)\b",
    "number": (
        r"\d+(?:\s*(?:-|\u2013|to|or)\s*\d+)?|an?|one|two|three|four|five|six|ten|twelve|a\s+few|"
        r"a\s+couple\s+of|several"
    ),
    "when": (
        r"\b(?:with)?in\s+(?:the\s+next\s+|about\s+|less\s+than\s+|under\s+)?<number>\s+(?:business\s+|working\s+)?"
        r"(?:second|minute|hour|day|week)s?\b|\bby\s+(?:tomorrow|tonight|noon|\w+day|(?:the\s+)?end\s+of|\d)|"
        r"\btoday\b|\btomorrow\b|\btonight\b|\bthis\s+(?:afternoon|morning|evening|week)\b|\bshortly\b|"
        r"(?<!as\s)\bsoon\b|\bmomentarily\b|\bin\s+a\s+(?:moment|minute|bit)\b|\bfirst\s+thing\b"
    ),
    "back": (
        r"(?:get|come|be)\s+back\s+to\s+you|get\s+in\s+touch|be\s+in\s+(?:touch|contact)|follow\s+up|reach\s+out|keep\s+you\s+(?:posted|"
        r"updated)"
    ),
}

TONGUE = Tongue(
    words=_WORDS,
    patterns=patterns(
        {
            (Kind.ESCALATED, "did"): (
                r"<did>escalated\b",
                r"<did>(?:let\s+<gap>\b<people>\s+know|reached\s+out\s+to\s+<gap>\b<people>|got\s+(?:an?\s+)?<people>)\b",
                r"\byour\s+\w+\s+(?:is|are)\s+(?:now\s+)?with\s+(?:our|the)\s+(?:\w+\s+)?<people>\b",
                r"<start>escalated\s+(?:this|it|your|the|to)\b",
                r"<did>(?:asked|informed|notified|alerted|contacted|told|messaged|pinged|involved|looped|brought|called|"
                r"requested|assigned|handed|transferred|connected|put)\s+<gap>\b<people>\b",
            ),
            (Kind.ESCALATED, "will"): (
                r"(?:<will>|\bi\s+)(?:transfer|connect|put|pass|hand)(?:r?ing|ting)?\s+you\s+(?:(?:through|over|on)\s+)?(?:to|with)\b",
                r"<will>let\s+<gap>\b<people>\s+know\b",
                r"<will>escalat(?:e|ing)\b",
                r"<will>(?:ask|inform|notify|alert|contact|involv|loop|bring|hand|transferr?|connect|assign|get|"
                r"check\s+with|put)(?:e|ing|ting)?\s+<gap>\b<people>\b",
            ),
            (Kind.ESCALATED, "was"): (
                r"\b(?:this|it|that|your\s+\w+(?:\s+\w+)?|the\s+(?:\w+\s+)?(?:case|issue|matter|request|question))<been>"
                r"(?:escalated|handed\s+(?:over|to)|assigned\s+to)\b",
                r"\b<somebody><been>(?:asked|informed|notified|alerted|told|contacted|assigned|involved|looped\s+in|made\s+aware)\b",
                r"\b<people><been>made\s+aware\b",
                r"\b(?:a|our|my|the|another)\s+(?:\w+\s+)?(?:colleague|human|person|specialist)\s+(?:is|are)<adv>\s+"
                r"(?:looking|reviewing|checking|handling|joining|on\s+it)\b",
            ),
            (Kind.ESCALATED, "due"): (
                r"\b<somebody>(?:'ll|\s+will|\s+is\s+going\s+to)<adv>\s+(?:<back>|contact|reply|respond|answer|take\s+over|"
                r"take\s+it|look\s+(?:into|at)|review|check|help|call|phone|e-?mail|write|join|handle|assist)",
                r"\byou(?:'ll|\s+will)<adv>\s+(?:hear\s+(?:back\s+)?from|be\s+contacted)\b",
            ),
            (Kind.PASSED_ON, "did"): (
                r"<did>(?:passed|forwarded|relayed|reported|flagged|submitted|raised|shared|sent|handed)\s+<gap>"
                r"\b(?:to|with|for)\s+<gap>\b<people>\b",
                r"<did>passed\s+<gap>\b(?:on|along)\b",
                r"<did>(?:filed|submitted|logged|raised|reported)\s+<gap>\b(?:bug|report|request|feedback|complaint)\b",
                r"<did>(?:filed|registered)\s+(?:this|it|that)\s+with\b|<did>(?:made|left|put)\s+a\s+note\b",
                r"<start>(?:forwarded|passed\s+on)\s+(?:this|it|your|to)\b",
            ),
            (Kind.PASSED_ON, "will"): (
                r"<will>(?:pass|forward|relay|report|flag|rais|shar)(?:e|ging|ing)?\s+(?:this|it|that|your|the)\b<gap>"
                r"\b(?:on|along|to|with)\b",
                r"<will>(?:<back>|look\s+into\s+(?:it|this)|investigate)",
            ),
            (Kind.PASSED_ON, "was"): (
                r"\b(?:this|it|your\s+\w+(?:\s+\w+)?)<been>(?:passed\s+(?:on|to|along)|forwarded|reported|relayed)\b",
            ),
            (Kind.TICKET, "did"): (
                r"<did>(?:opened|created|raised|logged|filed|submitted|started|made|registered|set\s+up|put\s+in)\s+<gap>"
                r"\b(?:<ticket>|case\b)",
                r"<did>(?:opened|created|filed)\s+[a-z]{1,6}-\d",
                r"<start>(?:opened|created)\s+<gap>\b<ticket>",
            ),
            (Kind.TICKET, "will"): (
                r"<will>(?:open|creat|rais|log|fil|submit|start|register)(?:e|ing|ging|ting)?\s+<gap>\b(?:<ticket>|case\b)",
            ),
            (Kind.TICKET, "was"): (
                r"\b<ticket>(?:\s+(?:number\s+)?\S+)?<been>(?:opened|created|raised|logged|filed|registered)\b",
            ),
            (Kind.REFUNDED, "did"): (
                r"<did>(?:refunded|reimbursed|credited|paid\s+<gap>\bback)\b",
                r"<start>(?:refunded|reimbursed|credited)\s+(?:you|your|the|it|\$|to|in)",
                r"<did>(?:(?:taken|took)\s+care\s+of|submitted|requested|filed|completed)\s+<gap>\b<credit>\b",
                r"^\W*(?:\w+\W+)?(?:full\s+)?<credit>\s+(?:issued|processed|sent|done|completed?|approved)\b",
                r"<did>(?:issued|processed|initiated|arranged|approved|granted|given|gave|applied|made|triggered|sent|"
                r"returned|put\s+through)\s+<gap>\b<credit>\b",
                r"<did>(?:reversed|returned|waived|sent\s+back|voided)\s+<gap>\b(?:charge|payment|money|amount|fee|\d)",
            ),
            (Kind.REFUNDED, "will"): (
                r"<will>(?:refund|reimburs|credit)(?:e|ing)?\b",
                r"<will>(?:issu|process|initiat|arrang|grant|giv|apply|return)(?:e|ing)?\s+<gap>\b<credit>\b",
                r"<will>(?:revers|waiv|return)(?:e|ing)?\s+<gap>\b(?:charge|payment|money|amount|fee)\b",
            ),
            (Kind.REFUNDED, "was"): (
                r"\b<credit>(?:\s+(?:of|for)\s+\S+(?:\s+\w+)?)?<been>(?:issued|processed|initiated|approved|granted|made|"
                r"sent|completed?|applied|on\s+its\s+way)\b",
                r"\b(?:the|your)\s+<credit>(?:\s+of\s+\S+)?\s+(?:went|has\s+gone)\s+through\b",
                r"\byour\s+money(?:\s+is|'s)<adv>\s+on\s+(?:its|the)\s+way\b",
                r"\byour\s+(?:\w+\s+)?<credit>(?:\s+(?:of|for)\s+\S+(?:\s+\w+)?)?(?:\s+is|'s)<adv>\s+(?:on\s+(?:its|the)\s+way|"
                r"complete|done|being\s+processed|processed)\b",
                r"\b(?:you|your\s+(?:\w+\s+)?(?:money|payment|charge|invoice|fee)|the\s+(?:\w+\s+){0,2}(?:money|payment|charge|"
                r"amount|fee)|\$\S+|it)<been>(?:refunded|reimbursed|credited|reversed|returned|waived)\b",
            ),
            (Kind.REFUNDED, "due"): (
                r"\byour\s+(?:\w+\s+)?(?:card|account|payment|money|invoice)\s+will\s+be\s+(?:credited|refunded|reimbursed)\b",
                r"\byou(?:'ll|\s+will)<adv>\s+(?:see|get|have|receive)\s+(?:the|your)\s+money\b",
                r"\byou(?:'ll|\s+will)<adv>\s+(?:be\s+(?:refunded|reimbursed|credited)|(?:get|receive|have)\s+(?:a|your|the)\s+"
                r"(?:\w+\s+)?(?:refund|money\s+back|credit)|(?:see|have)\s+the\s+(?:refund|money))\b",
            ),
            (Kind.CHANGED, "did"): (
                r"<did>(?:switched|moved|upgraded|downgraded|unsubscribed|signed|logged|enrolled|removed|changed)\s+you\b",
                r"<did>(?:made|added|set)\s+\S+<gap>\b(?:as|an?)\s+(?:an?\s+)?(?:admin|owner|member|guest|editor)",
                r"<did>(?:changed|updated|cancell?ed|deleted|removed|closed|reset|restored|disabled|enabled|extended|paused|"
                r"renewed|corrected|unlocked|revoked|terminated)\s+(?:your|it\b)",
                r"<did><changed>\s+<gap><mine>\b",
                r"<start><changed>\s+your\s+<gap>\w",
            ),
            (Kind.CHANGED, "will"): (r"<will><change>\s+<gap><mine>\b",),
            (Kind.CHANGED, "was"): (
                r"<been><changed>\s+(?:from|on|in|to)\s+your\b",
                r"\byour\s+(?:[\w'-]+\s+){1,3}?(?:is|are)\s+(?:now\s+(?:\d|<changed>\b)|<changed>\s+now\b)",
                r"\byour\s+(?:[\w'-]+\s+){0,3}?<things><been><changed>\b",
            ),
            (Kind.CONTACT, "did"): (
                r"<did>dropped\s+you\b|<did>(?:scheduled|booked|arranged)\s+<gap>\b(?:call|meeting)\b",
                r"<did>sent\s+<gap>\bto\s+your\s+(?:inbox|e-?mail|phone)\b",
                r"\b(?:e-?mail|message|sms|letter)\b<gap>(?:\s+is|'s)<adv>\s+on\s+(?:its|the)\s+way\b",
                r"<did>(?:e-?mailed|called|phoned|texted|messaged|rung)\s+(?:you|your)\b",
                r"<did>sent\s+(?:you|your)\s+<gap>\b(?:e-?mail|link|message|invoice|copy|code|sms|confirmation|letter|file)\b",
                r"<did>sent\s+<gap>\b(?:e-?mail|sms|text)\s+to\s+you",
            ),
            (Kind.CONTACT, "will"): (
                r"<will>(?:e-?mail|call|phone|text|ring|message|mail)(?:ing)?\s+(?:you\b|back\b)",
                r"<will>giv(?:e|ing)\s+you\s+a\s+(?:call|ring)\b",
                r"<will>send(?:ing)?\s+(?:you|your|over)\s+<gap>\b(?:e-?mail|link|message|invoice|copy|code|sms|confirmation|"
                r"letter|update)\b",
            ),
            (Kind.CONTACT, "due"): (
                r"\b<somebody>(?:'ll|\s+will|\s+is\s+going\s+to)<adv>\s+(?:e-?mail|call|phone|ring|text)\b",
                r"\byou(?:'ll|\s+will)<adv>\s+(?:get|receive)\s+(?:an?|the|our)\s+(?:\w+\s+)?(?:e-?mail|call|sms|text|message)\b",
            ),
            (Kind.PERSON, "was"): (
                r"\bi(?:'m|\s+am)<adv>\s+(?:an?\s+)?(?:real\s+|actual\s+|living\s+)?(?:human|person)\b(?!\s+resources|\s+\d|-\w)",
                r"\b(?:this\s+is|i'm|i\s+am|my\s+name\s+is)\s+\w+(?:\s+\w+)?,\s+an?\s+(?:real\s+)?(?:human|person)\b",
            ),
            (Kind.TIME, "due"): (
                r"(?:\b(?:i|we|they)(?:'ll|\s+will)|\bwe\s+(?:aim|try|hope|expect|plan)\s+to|\byou\s+(?:should|can\s+expect)|\bexpect\s+an?|\b<somebody>(?:'ll|\s+will)|\byou(?:'ll|\s+will)<adv>\s+(?:hear|have|get|be\s+"
                r"contacted|receive|see))\b[^.!?;]{0,100}?<when>",
            ),
        }
    ),
    negations=r"\b(?:not|n't|never|no\s*one|nobody|none|cannot|unable|without|neither|nor|no)\b|n't\b",
    conditions=(
        r"\b(?:if|once|when|whenever|whether|unless|until|before|after|as\s+soon\s+as|would\s+you\s+like|do\s+you\s+want|"
        r"shall|should|in\s+case|provided|so\s+that|before|otherwise)\b"
    ),
    reports=(
        r"\byou\s+(?:\w+\s+)?(?:said|say|mention\w*|wr[io]te\w*|told|think|claim\w*|report\w*)\b|\b(?:article|policy|page|"
        r"document|message|e-?mail)\s+(?:says|said|reads|states)\b|\bsorry\s+(?:to\s+hear\s+)?that\b|"
        r"\bi\s+understand\s+that\b"
    ),
    offers=(
        r"^\W*(?:(?:and|or|then|ok(?:ay)?|sure|great|thanks|thank\s+you|no\s+problem)\W+){0,4}(?:please\s+|just\s+)?(?:send|tell|let|"
        r"share|give|reply|say|confirm|provide|write|post|try|could\s+you|can\s+you|would\s+you|check|attach|paste|answer)\b"
    ),
)
