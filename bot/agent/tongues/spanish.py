"""Spanish."""

from bot.agent.tongues.tongue import Kind, Tongue, patterns

_WORDS = {
    "people": (
        r"compañer\w*|coleg\w*|equipo|persona|agente|especialista|responsable|t[ée]cnic\w*|ingenier\w*|"
        r"soporte|departamento|alguien|supervisor\w*"
    ),
    "somebody": r"(?:un\w?|nuestr\w|mi|el|la|alg[úu]n)\s+(?:\w+\s+)?<people>|alguien",
    "adv": r"(?:\s+(?:ya|tambi[ée]n|ahora|acabo\s+de|mismo)){0,3}",
    "pron": r"(?:(?:te|le|les|os|lo|la|los|se|me|nos)\s+){0,3}",
    "did": r"(?:\b<pron>(?:he|hemos)|\b<somebody>\s+<pron>ha|\b(?:acabo|acabamos)\s+de)<adv>\s+",
    "will": r"(?:\b<pron>(?:voy|vamos)\s+a|\bperm[íi]t[ea]me|\bd[ée]j[ea]me)\s+",
    "been": r"\s+(?:ha|han)<adv>\s+sido<adv>\s+|\s+(?:fue|fueron)\s+|\s+(?:est[áa]|est[áa]n)\s+",
    "gap": r"(?:[^.,;:!?]|(?<=\d)[.,](?=\d)){0,70}?",
    "mine": (
        r"(?:tu|tus|su|sus|la|el)\s+(?:\w+\s+){0,2}?(?:cuentas?|suscripci[óo]n|plan|contraseña|correo|direcci[óo]n|perfil|ajustes|acceso|"
        r"factura|pedido|pago|rol)"
    ),
    "refund": r"reembolso|devoluci[óo]n|abono|cr[ée]dito",
    "when": (
        r"\b(?:en|dentro\s+de)\s+(?:las\s+pr[óo]ximas\s+|los\s+pr[óo]ximos\s+)?(?:\d+|una?|dos|tres|unas|unos|pocas|pocos)\s*(?:minutos?|horas?|"
        r"d[íi]as?|semanas?)\b|\bhoy\b|(?<!por\sla\s)\bmañana\b|\bpronto\b|\ben\s+breve\b|\benseguida\b"
    ),
}

TONGUE = Tongue(
    words=_WORDS,
    patterns=patterns(
        {
            (Kind.ESCALATED, "did"): (
                r"<did><pron>?(?:escalad[oa]|escalar)\b",
                r"\b(?:escal[ée]|escalamos)\s+(?:tu|su|el|la|est\w)\b",
                r"<did>(?:pedido|avisado|informado|contactado|notificado|pasado|transferido|asignado|avisar|pedir|informar)\s+<gap>\b<people>\b",
                r"\b(?:avis[ée]|ped[íi]|inform[ée]|contact[ée]|notifiqu[ée]|avisamos)\s+<gap>\b<people>\b",
            ),
            (Kind.ESCALATED, "will"): (
                r"<will>(?:escalar)\w*\b",
                r"\b(?:escalar[ée]|escalaremos|escalo)\b",
                r"<will>(?:pedir|avisar|informar|contactar|notificar)\w*\s+<gap>\b<people>\b",
            ),
            (Kind.ESCALATED, "due"): (
                r"\b<somebody>\s+<pron>(?:contactar[áa]|responder[áa]|escribir[áa]|llamar[áa]|ayudar[áa]|atender[áa]|revisar[áa]|pondr[áa]\s+en\s+contacto)",
                r"\b<somebody>\s+<pron>va\s+a\s+(?:contactar|responder|escribir|llamar|ayudar|atender|revisar|ponerse)\w*\b",
            ),
            (Kind.ESCALATED, "was"): (
                r"\b(?:tu|su)\s+\w+<been>escalad[oa]\b",
                r"\b<somebody><been>(?:avisad|informad|notificad)[oa]\b",
            ),
            (Kind.PASSED_ON, "did"): (
                r"<did>(?:trasladado|remitido|reenviado|reportado|enviado|pasado)\s+<gap>\b(?:al?|con)\b<gap>\b<people>\b",
                r"\b(?:traslad[ée]|reenvi[ée]|report[ée]|remit[íi])\s+(?:tu|su|el|la|est\w)\b",
            ),
            (Kind.PASSED_ON, "will"): (
                r"<will>(?:trasladar|remitir|reenviar|reportar|pasar)\w*\s+<gap>\b<people>\b",
                r"\b<pron>(?:trasladar[ée]|reenviar[ée]|informar[ée]|mantendr[ée]|mantendremos)\b",
            ),
            (Kind.TICKET, "did"): (
                r"<did>(?:abierto|creado|registrado|abrir|crear)\s+<gap>\b(?:tickets?|caso|incidencia)\b",
                r"\b(?:abr[íi]|cre[ée]|abrimos|creamos)\s+(?:un|el|tu|su)\s+<gap>\b(?:ticket|caso|incidencia)\b",
            ),
            (Kind.TICKET, "will"): (
                r"<will>(?:abrir|crear)\w*\s+<gap>\b(?:ticket|caso|incidencia)\b",
                r"\b(?:abrir[ée]|crear[ée]|abriremos|crearemos)\s+<gap>\b(?:ticket|caso)\b",
            ),
            (Kind.TICKET, "was"): (
                r"\bticket(?:\s+\S+)?<been>(?:abierto|creado|registrado)\b",
                r"\bse\s+ha\s+(?:abierto|creado)\s+<gap>\bticket\b",
            ),
            (Kind.REFUNDED, "did"): (
                r"<did>(?:reembolsado|devuelto|abonado|reembolsar|devolver)\w*\b",
                r"\b<pron>(?:reembols[ée]|devolv[íi]|devolvimos|abon[ée])\b|\b(?:te|le|les|os)\s+reembolsamos\b",
                r"<did>(?:emitido|procesado|tramitado|realizado|aprobado|hecho|iniciado|solicitado)\s+<gap>\b<refund>\b",
                r"\b(?:proces[ée]|emit[íi]|tramit[ée])\s+<gap>\b<refund>\b",
            ),
            (Kind.REFUNDED, "will"): (
                r"<will>(?:reembolsar|devolver|abonar)\w*\b",
                r"\b<pron>(?:reembolsar[ée]|reembolsaremos|devolver[ée]|devolveremos|abonaremos)\b",
                r"<will>(?:emitir|procesar|tramitar|realizar|hacer)\w*\s+<gap>\b<refund>\b",
            ),
            (Kind.REFUNDED, "was"): (
                r"\b(?:<refund>|dinero|importe|pago)(?:\s+de\s+\S+)?<been>(?:procesad|emitid|tramitad|aprobad|reembolsad|devuelt|abonad|en\s+camin|en\s+proces)[oa]\b",
                r"\bse\s+(?:te|le)\s+ha\s+(?:reembolsado|devuelto|abonado)\b",
            ),
            (Kind.REFUNDED, "due"): (
                r"\b(?:recibir[áa]s?|tendr[áa]s?)\s+<gap>\b(?:reembolso|dinero|devoluci[óo]n)\b",
                r"\bser[áa]s?\s+reembolsad[oa]\b",
            ),
            (Kind.CHANGED, "did"): (
                r"<did>(?:cambiado|modificado|actualizado|cancelado|eliminado|borrado|cerrado|restablecido|activado|desactivado|"
                r"desbloqueado|cancelar|eliminar|cambiar|actualizar)\s+<gap><mine>\b",
                r"\b(?:cambi[ée]|modifiqu[ée]|actualic[ée]|cancel[ée]|elimin[ée]|borr[ée]|restablec[íi]|activ[ée])\s+(?:tu|su)\b",
            ),
            (Kind.CHANGED, "will"): (
                r"<will>(?:cambiar|modificar|actualizar|cancelar|eliminar|borrar|restablecer)\w*\s+<gap><mine>\b",
                r"\b(?:cambiar[ée]|cancelar[ée]|eliminar[ée]|actualizar[ée])\s+(?:tu|su)\b",
            ),
            (Kind.CHANGED, "was"): (
                r"\b(?:tu|su)\s+(?:\w+\s+){0,2}?\w+<been>(?:cambiad|modificad|actualizad|cancelad|eliminad|borrad|cerrad|restablecid|activad)[oa]\b",
            ),
            (Kind.CONTACT, "did"): (
                r"<did>(?:enviado|mandado|enviar\w*)\s+<gap>\b(?:correo|e-?mail|enlace|mensaje|factura)\b",
                r"\b<pron>(?:envi[ée]|mand[ée]|enviamos)\s+<gap>\b(?:correo|e-?mail|enlace|mensaje)\b",
                r"<did>llamado\b",
            ),
            (Kind.CONTACT, "will"): (
                r"<will>(?:enviar|mandar|llamar|escribir)\w*\b",
                r"\b<pron>(?:enviar[ée]|enviaremos|llamar[ée]|llamaremos|escribir[ée]|escribiremos|mandaremos)\b",
            ),
            (Kind.CONTACT, "due"): (r"\brecibir[áa]s?\s+<gap>\b(?:correo|e-?mail|llamada|mensaje)\b",),
            (Kind.PERSON, "was"): (r"\bsoy\s+(?:una?\s+)?(?:persona|human[oa]|ser\s+humano)\b",),
            (Kind.TIME, "due"): (
                r"(?:\b<pron>\w+(?:r[ée]|remos)|\b<pron>(?:voy|vamos)\s+a|\b<somebody>\s+<pron>(?:\w+r[áa]|va\s+a)|\b(?:recibir|tendr)[áa]s?)\b[^.!?;]{0,90}?<when>",
            ),
        }
    ),
    negations=r"\b(?:no|nunca|nadie|ning[úu]n\w*|tampoco|sin|nada)\b",
    conditions=r"\b(?:si|cuando|una\s+vez|en\s+cuanto|antes|despu[ée]s|quieres?\s+que|desea\s+que|para\s+que)\b",
    reports=r"\b(?:dices?|dijiste|mencion\w*|escribes?|comentas?)\s+que\b|\bart[íi]culo\s+dice\b|\b(?:lamento|siento)\s+que\b",
    offers=r"^\W*(?:env[íi]a\w*|dime|d[íi]game|indica\w*|comparte|manda\w*|confirma\w*|puedes|podr[íi]as?)\b",
)
