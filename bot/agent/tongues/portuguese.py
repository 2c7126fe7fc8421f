"""Portuguese, of Portugal and of Brazil."""

from bot.agent.tongues.tongue import Kind, Tongue, patterns

_WORDS = {
    "people": (
        r"coleg\w*|equipe|equipa|time\b|pessoa|atendente|especialista|respons[áa]vel|t[ée]cnic\w*|"
        r"engenheir\w*|suporte|departamento|algu[ée]m|supervisor\w*"
    ),
    "somebody": r"(?:uma?|noss[oa]|meu|minha|[oa])\s+(?:\w+\s+)?<people>|algu[ée]m",
    "adv": r"(?:\s+(?:j[áa]|tamb[ée]m|agora|acabei\s+de)){0,3}",
    "pron": r"(?:(?:lhe|te|o|a|os|as|me)\s+){0,3}",
    "did": r"(?:\b<pron>(?:tenho|temos)|\b(?:acabei|acab[áa]mos)\s+de)<adv>\s+",
    "will": r"(?:\b(?:eu\s+)?<pron>(?:vou|vamos|irei|iremos)|\bdeixe-me|\bestou\s+a)<adv>\s+<pron>",
    "been": r"\s+(?:foi|foram)<adv>\s+|\s+(?:est[áa]|est[ãa]o)\s+",
    "gap": r"(?:[^.,;:!?]|(?<=\d)[.,](?=\d)){0,70}?",
    "mine": (
        r"(?:a|o|as|os)?\s*(?:sua|seu|suas|seus|tua|teu|a|o)\s+(?:\w+\s+){0,2}?(?:contas?|assinatura|subscri[çc][ãa]o|plano|senha|palavra-passe|e-?mail|"
        r"endere[çc]o|perfil|acesso|fatura|pedido|pagamento|defini[çc][õo]es|configura[çc][õo]es)"
    ),
    "refund": r"reembolso|estorno|devolu[çc][ãa]o|cr[ée]dito",
    "when": (
        r"\b(?:em|dentro\s+de|nas?|nos)\s+(?:pr[óo]xim[ao]s\s+)?(?:at[ée]\s+)?(?:\d+|uma?|duas|dois|tr[êe]s|algumas|alguns|poucas|poucos)\s*(?:minutos?|horas?|"
        r"dias?|semanas?)\b|\bhoje\b|\bamanh[ãa]\b|\bem\s+breve\b|\blogo\b"
    ),
}

TONGUE = Tongue(
    words=_WORDS,
    patterns=patterns(
        {
            (Kind.ESCALATED, "did"): (
                r"\b(?:escalei|escalamos|acionei|acionamos|envolvi)\b",
                r"\b(?:avisei|pedi|informei|contactei|contatei|notifiquei|avisamos|inform[áa]mos|transferi|perguntei)\s+<gap>\b<people>\b",
                r"<did>(?:escalado|escalar|avisar|informar|pedir)\b",
            ),
            (Kind.ESCALATED, "will"): (
                r"<will>(?:escalar|acionar)\b",
                r"<will>(?:avisar|informar|pedir|contactar|contatar|perguntar)\s+<gap>\b<people>\b",
            ),
            (Kind.ESCALATED, "due"): (
                r"\b<somebody>\s+(?:vai|ir[áa])\s+<pron>(?:contact\w*|contat\w*|responder|entrar|ligar|ajudar|analisar|retornar|escrever)\b",
                r"\b<somebody>\s+<pron>(?:entrar[áa]\s+em\s+contat?c?to|responder[áa]|retornar[áa]|ligar[áa]|analisar[áa])",
            ),
            (Kind.ESCALATED, "was"): (
                r"\b<somebody><been>(?:avisad|informad|notificad|acionad)[oa]\b",
                r"\b(?:seu|sua)\s+\w+<been>escalad[oa]\b",
            ),
            (Kind.PASSED_ON, "did"): (
                r"\b(?:encaminhei|encaminhamos|repassei|reportei|transmiti|encaminh[áa]mos|reencaminhei)\b",
                r"<did>encaminh\w*\b",
            ),
            (Kind.PASSED_ON, "will"): (
                r"<will>(?:encaminhar|repassar|reportar|transmitir|reencaminhar)\b",
                r"\b(?:encaminharei|encaminharemos|retornarei|retornaremos)\b",
            ),
            (Kind.PASSED_ON, "was"): (r"\b(?:seu|sua)\s+\w+<been>(?:encaminhad|reportad|transmitid)[oa]\b",),
            (Kind.TICKET, "did"): (
                r"\b(?:abri|criei|registrei|registei|abrimos|cri[áa]mos)\s+<gap>\b(?:tickets?|chamado|caso|pedido\s+de\s+suporte)\b",
                r"<did>(?:aberto|criado|abrir|criar)\s+<gap>\b(?:ticket|chamado)\b",
            ),
            (Kind.TICKET, "will"): (
                r"<will>(?:abrir|criar|registrar)\s+<gap>\b(?:ticket|chamado)\b",
                r"\b(?:abrirei|criarei)\s+<gap>\b(?:ticket|chamado)\b",
            ),
            (Kind.TICKET, "was"): (
                r"\b(?:ticket|chamado)(?:\s+\S+)?<been>(?:abert|criad|registrad|registad)o\b",
                r"\bfoi\s+(?:aberto|criado)\s+<gap>\b(?:ticket|chamado)\b",
            ),
            (Kind.REFUNDED, "did"): (
                r"\b<pron>(?:reembolsei|reembolsámos|estornei|devolvi|creditei)\b|\b(?:j[áa]|lhe|te)\s+(?:reembolsamos|estornamos|devolvemos)\b",
                r"\b(?:emiti|processei|fiz|solicitei|aprovei|iniciei|efetuei|processamos|emitimos)\s+<gap>\b<refund>\b",
                r"<did>reembols\w+\b",
            ),
            (Kind.REFUNDED, "will"): (
                r"<will>(?:reembolsar|estornar|devolver|creditar)\b",
                r"\b(?:reembolsarei|reembolsaremos|devolveremos)\b",
                r"<will>(?:emitir|processar|fazer|efetuar)\s+<gap>\b<refund>\b",
            ),
            (Kind.REFUNDED, "was"): (
                r"\b(?:<refund>|dinheiro|valor|pagamento)(?:\s+de\s+\S+(?:\s+\S+)?)?<been>(?:processad|emitid|aprovad|efetuad|reembolsad|estornad|devolvid|a\s+caminh|em\s+process)[oa]\b",
            ),
            (Kind.REFUNDED, "due"): (
                r"\b(?:receber[áa]|vai\s+receber|ter[áa])\s+<gap>\b(?:reembolso|dinheiro|estorno)\b",
                r"\bser[áa]\s+reembolsad[oa]\b",
            ),
            (Kind.CHANGED, "did"): (
                r"\b(?:alterei|mudei|atualizei|cancelei|exclu[íi]|eliminei|apaguei|redefini|ativei|desativei|desbloqueei|encerrei|cancelamos|"
                r"alteramos|atualizamos|exclu[íi]mos)\s+<gap><mine>\b",
                r"<did>(?:cancelar|alterar|atualizar|excluir)\s+<gap><mine>\b",
            ),
            (Kind.CHANGED, "will"): (
                r"<will>(?:alterar|mudar|atualizar|cancelar|excluir|eliminar|apagar|redefinir)\s+<gap><mine>\b",
            ),
            (Kind.CHANGED, "was"): (
                r"\b(?:sua|seu|tua|teu)\s+(?:\w+\s+){0,2}?\S+<been>(?:alterad|mudad|atualizad|cancelad|exclu[íi]d|eliminad|apagad|redefinid|encerrad)[oa]\b",
            ),
            (Kind.CONTACT, "did"): (
                r"\b<pron>(?:enviei|mandei|enviamos|envi[áa]mos)\s+<gap>\b(?:e-?mail|link|mensagem|fatura)\b",
                r"\b<pron>liguei\b",
            ),
            (Kind.CONTACT, "will"): (
                r"<will>(?:enviar|mandar|ligar|telefonar|escrever)\b",
                r"\b(?:enviarei|enviaremos|ligaremos|ligarei)\b",
            ),
            (Kind.CONTACT, "due"): (
                r"\b(?:receber[áa]|vai\s+receber)\s+<gap>\b(?:e-?mail|liga[çc][ãa]o|mensagem|chamada)\b",
            ),
            (Kind.PERSON, "was"): (r"\bsou\s+(?:uma?\s+)?(?:pessoa|human[oa]|ser\s+humano)\b",),
            (Kind.TIME, "due"): (
                r"(?:\b(?:eu\s+)?(?:vou|vamos)|\b\w+(?:rei|remos)|\b<somebody>\s+(?:vai|ir[áa]|\w+r[áa])|\b(?:receber|ter)[áa])(?!\w)[^.!?;]{0,90}?<when>",
            ),
        }
    ),
    negations=r"\b(?:n[ãa]o|nunca|ningu[ée]m|nenhum\w*|sem|nem|nada)\b",
    conditions=r"\b(?:se|quando|caso|assim\s+que|logo\s+que|antes|depois|quer\s+que|deseja\s+que|para\s+que)\b",
    reports=r"\b(?:diz|disse|mencion\w*|escreve\w*)\s+que\b|\bartigo\s+diz\b|\blamento\s+que\b",
    offers=r"^\W*(?:envie|mande|diga|informe|me\s+diga|confirme|pode|poderia|escreva|indique)\b",
)
