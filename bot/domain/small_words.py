"""Small words of languages: articles, pronouns, prepositions, greetings. See `bot.domain.language`."""

# ruff: noqa: RUF001 - letters of other languages are meant

from collections.abc import Mapping

SMALL_WORDS: Mapping[str, str] = {
    "en": (
        "the and is are was were you your i my me we our it this that these those what which who how why when "
        "where do does did don't doesn't didn't can can't could would should will won't not no yes with without "
        "from for of to in on at by as or but if then than there here have has had been be am i'm i've it's isn't "
        "get got please thanks thank hello hi hey help need want any some all about after before still again just "
        "only also into out up they them their he she his her its let's cannot because while"
    ),
    "de": (
        "der die das den dem des ein eine einen einem einer eines und oder aber ist sind war waren ich du er wir "
        "ihr sie mich mir dich dir uns euch mein meine meinen meinem meiner dein deine ihre ihren unser unsere "
        "nicht kein keine keinen wie was wer wo wann warum wieso welche welcher welches mit ohne von vom zu zum "
        "zur im am beim bei für auf aus nach über unter zwischen vor seit bis durch gegen um auch noch schon nur "
        "mehr sehr wenn dann weil dass ob als kann kannst können könnte muss müssen soll sollte will möchte habe "
        "hat haben hatte wird werden wurde geht gibt bitte danke hallo moin guten tag ja nein hier dort jetzt "
        "immer wieder es sich man doppelt rechnung konto kündigen funktioniert"
    ),
    "fr": (
        "le la les l' un une des du de d' et ou mais est sont était je j' tu il elle nous vous ils elles on me m' "
        "te se mon ma mes ton ta tes votre vos notre nos son sa ses leur leurs ne n' pas plus rien jamais que qu' "
        "qui quoi quel quelle quels quelles comment pourquoi quand où combien avec sans pour par dans sur sous "
        "chez vers entre avant après depuis au aux ce cet cette ces c' ça cela si aussi très bien tout tous toute "
        "peut peux pouvez dois faut veux voudrais souhaite ai as a avez avons ont été être fait faire bonjour "
        "bonsoir salut merci beaucoup oui non s'il s'est y en déjà encore puis svp facture compte "
        "remboursement fonctionne"
    ),
    "es": (
        "el la los las un una unos unas y o pero es son está están estoy era fue yo tú él ella nosotros ustedes "
        "me te se nos le les lo mi mis tu tus su sus nuestro nuestra no ni nada nunca que qué quién cuál cómo "
        "cuándo dónde cuánto por porque para con sin de del al en sobre entre desde hasta hacia muy más también "
        "ya aún todavía solo si sí cuando como este esta esto ese esa eso estos estas puedo puede puedes pueden "
        "quiero quisiera necesito tengo tiene tienen hay he ha han ser hacer cambiar hola buenas buenos días "
        "tardes gracias favor ayuda otra vez donde pagar cobraron veces dos factura cuenta reembolso funciona"
    ),
    "it": (
        "il lo la i gli le un uno una e o ma è sono era io tu lui lei noi voi loro mi ti si ci vi mio mia miei "
        "mie tuo tua suo sua nostro vostro non né niente che chi cosa come quando dove perché quanto quale con "
        "senza di del dello della dei degli delle da dal dalla in nel nella nei su sul sulla per tra fra al alla "
        "ai alle anche ancora già più molto se questo questa questi quello posso può puoi vorrei voglio devo ho "
        "hai ha abbiamo hanno essere fare ciao buongiorno grazie prego sì no c'è dopo prima"
    ),
    "pt": (
        "o a os as um uma uns umas e ou mas é são está estão era eu tu você ele ela nós vocês eles me te se lhe "
        "meu minha meus minhas seu sua seus suas nosso nossa não nem nada nunca que quem qual como quando onde "
        "porque por quanto com sem de do da dos das em no na nos nas ao à aos às pelo pela para sobre entre desde "
        "até muito mais também já ainda só isso isto este esta esse essa posso pode podem quero gostaria preciso "
        "tenho tem têm há foi ser fazer olá oi bom dia obrigado obrigada sim ajuda conta fatura"
    ),
    "nl": (
        "de het een en of maar is zijn was waren ik jij je hij zij wij we jullie mij me mijn jouw uw ons onze hun "
        "niet geen wat wie hoe waarom wanneer waar welke met zonder van voor op in aan bij naar uit over onder "
        "tussen door tot te om ook nog al alleen meer zeer als dan omdat dat die dit deze kan kunt kunnen kon "
        "moet moeten wil wilt zou heb heeft hebben had wordt worden werd er hier daar nu altijd weer graag dank "
        "bedankt hallo goedemorgen ja nee alstublieft nodig"
    ),
    "sv": (
        "och att det är jag du vi inte en ett på för med som har hur kan min mitt till av om den men från vad "
        "tack hej var när"
    ),
    "da": (
        "og at det er jeg du vi ikke en et på for med som har hvordan kan min mit til af om den men fra hvad tak "
        "hej hvor når"
    ),
    "no": (
        "og å det er jeg du vi ikke en et på for med som har hvordan kan min mitt til av om den men fra hva takk "
        "hei hvor når"
    ),
    "pl": (
        "i w na z do nie się jest to że jak co czy mój moja moje mam dla od po ale proszę dziękuję cześć mogę "
        "dlaczego gdzie już"
    ),
    "cs": (
        "a v na z do ne se je to že jak co můj moje mám pro od po ale prosím děkuji ahoj mohu proč kde už jsem "
        "není jsou"
    ),
    "tr": (
        "ve bir bu ne için ile de da mi mı mu nasıl neden var yok benim ben siz çok teşekkürler merhaba lütfen "
        "değil olarak"
    ),
    "ro": (
        "și în pe de la cu nu este sunt cum ce de ce meu mea mele pentru din dar vă mulțumesc bună pot unde când "
        "am fost"
    ),
    "fi": ("ja on ei se että en minun miten mikä kun voi olen mutta kiitos hei missä miksi ole sen tämä"),
    "hu": ("a az és nem hogy egy van kell mi ez meg is vagy köszönöm szia hogyan miért hol nekem"),
    "ca": ("el la els les i o però és són està jo vull puc com què on amb sense per del al en meu meva no gràcies"),
    "id": ("yang dan di ke dari untuk dengan tidak ini itu saya anda bagaimana apa bisa ada akun terima kasih tolong"),
    "vi": ("tôi không là của và có cho với được làm thế nào bạn xin cảm ơn này"),
}
"""By ISO 639-1 code, separated by blanks; `d'` and the like are elided before a vowel."""
