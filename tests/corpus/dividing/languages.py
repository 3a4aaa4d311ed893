"""Invented novels in eight languages: their prose, and how their books write chapters, contents and THE END."""

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class Novel:
    """A novel to be. `chapters`: headings of three chapters, in several manners. `prose`: five paragraphs."""

    title: str
    chapters: tuple[tuple[str, str, str], ...]
    prologue: str
    epilogue: str
    contents: str
    end: str
    prose: tuple[str, ...]
    wide: bool = False  # written without spaces


NOVELS = {
    "German": Novel(
        "Der Müller und die Lampe",
        (
            ("Erstes Kapitel", "Zweites Kapitel", "Drittes Kapitel"),
            ("Kapitel 1", "Kapitel 2", "Kapitel 3"),
            ("1. Kapitel", "2. Kapitel", "3. Kapitel"),
            ("KAPITEL I.", "KAPITEL II.", "KAPITEL III."),
            ("Erster Teil", "Zweiter Teil", "Dritter Teil"),
            ("Kapitel eins: Der Wind", "Kapitel zwei: Die Mühle", "Kapitel drei: Das Licht"),
        ),
        "Prolog",
        "Epilog",
        "Inhaltsverzeichnis",
        "ENDE",
        (
            "Jakob Brandner hatte in jenem Winter nur noch eine Lampe, und die brannte schlecht. »Sie "
            "raucht«, sagte er "
            "zu Lene, »und das Öl ist so teuer wie der Schlaf.« Lene lachte und stellte den Krug auf den "
            "Tisch.",
            "Am Morgen fror der Bach zu. Das erste Kapitel, das Jakob in dem alten Buch las, handelte vom "
            "Wind, und "
            "niemand im Dorf wußte, wer es geschrieben hatte.",
            "„Du liest zu viel“, sagte Lene. „Ich lese zu langsam“, antwortete Jakob und blies die Lampe aus.",
            "So ging die Woche hin.",
            "Der zweite Teil des Weges führte durch den Wald, wo die Fichten schwer von Schnee waren und wo "
            "Jakob einst "
            "seine Mütze verloren hatte, ohne sie je wieder zu suchen.",
        ),
    ),
    "French": Novel(
        "Le meunier sans lampe",
        (
            ("CHAPITRE PREMIER", "CHAPITRE II", "CHAPITRE III"),
            ("Chapitre 1", "Chapitre 2", "Chapitre 3"),
            ("Première partie", "Deuxième partie", "Troisième partie"),
            ("Chapitre premier : Le vent", "Chapitre deuxième : Le moulin", "Chapitre troisième : La neige"),
            ("LIVRE I", "LIVRE II", "LIVRE III"),
        ),
        "Prologue",
        "Épilogue",
        "Table des matières",
        "FIN",
        (
            "Mathurin n'avait plus, cet hiver-là, qu'une lampe qui fumait. « Elle pleure, dit-il à Jeanne, "
            "et l'huile est "
            "plus chère que le sommeil. » Jeanne se mit à rire et posa la cruche sur la table.",
            "Le premier chapitre du vieux livre parlait du vent, et personne au village ne savait qui "
            "l'avait écrit ni "
            "pourquoi Mathurin le relisait chaque soir.",
            "— Tu lis trop, dit Jeanne.",
            "— Je lis trop lentement, répondit Mathurin en soufflant la lampe.",
            "La seconde partie du chemin traversait le bois, où les sapins ployaient sous la neige et où "
            "Mathurin avait "
            "jadis perdu son bonnet sans jamais le chercher.",
        ),
    ),
    "Spanish": Novel(
        "El molinero sin lámpara",
        (
            ("Capítulo primero", "Capítulo segundo", "Capítulo tercero"),
            ("CAPÍTULO I", "CAPÍTULO II", "CAPÍTULO III"),
            ("Capítulo 1. El viento", "Capítulo 2. El molino", "Capítulo 3. La nieve"),
            ("Primera parte", "Segunda parte", "Tercera parte"),
        ),
        "Prólogo",
        "Epílogo",
        "Índice",
        "FIN",
        (
            "Anselmo no tenía aquel invierno más que una lámpara, y humeaba. Rosa decía que el aceite era "
            "más caro que el "
            "sueño, y que la primera parte de la noche era la peor de todas.",
            "—Lees demasiado —dijo Rosa.",
            "—Leo muy despacio —respondió Anselmo, y sopló la lámpara—. ¿No lo ves?",
            "El primer capítulo del libro viejo hablaba del viento, y nadie en la aldea sabía quién lo "
            "había escrito ni "
            "por qué Anselmo volvía a leerlo cada noche.",
            "«Mañana», pensó Anselmo, «subiré al monte con Rosa y buscaré el gorro que perdí de niño entre "
            "los pinos.»",
        ),
    ),
    "Italian": Novel(
        "Il mugnaio senza lampada",
        (
            ("Capitolo primo", "Capitolo secondo", "Capitolo terzo"),
            ("CAPITOLO I", "CAPITOLO II", "CAPITOLO III"),
            ("Parte prima", "Parte seconda", "Parte terza"),
            ("Capitolo 1 - Il vento", "Capitolo 2 - Il mulino", "Capitolo 3 - La neve"),
        ),
        "Prologo",
        "Epilogo",
        "Indice",
        "FINE",
        (
            "Berto quell'inverno non aveva che una lampada, e fumava. «Piange» disse alla Nina, «e l'olio è "
            "più caro del "
            "sonno.» La Nina rise e posò la brocca sulla tavola.",
            "Il primo capitolo del vecchio libro parlava del vento, e nessuno in paese sapeva chi l'avesse "
            "scritto, né "
            "perché Berto lo rileggesse ogni sera.",
            "«Leggi troppo» disse la Nina. «Leggo troppo piano» rispose Berto, e soffiò sulla lampada.",
            "Così passò la settimana.",
            "La seconda parte della strada attraversava il bosco, dove gli abeti erano carichi di neve e "
            "dove Berto aveva "
            "perduto da bambino il berretto.",
        ),
    ),
    "Dutch": Novel(
        "De molenaar zonder lamp",
        (
            ("Hoofdstuk 1", "Hoofdstuk 2", "Hoofdstuk 3"),
            ("Eerste hoofdstuk", "Tweede hoofdstuk", "Derde hoofdstuk"),
            ("HOOFDSTUK I", "HOOFDSTUK II", "HOOFDSTUK III"),
            ("Eerste deel", "Tweede deel", "Derde deel"),
        ),
        "Proloog",
        "Epiloog",
        "Inhoud",
        "EINDE",
        (
            "Krelis had die winter nog maar één lamp, en die walmde. ‘Zij huilt,’ zei hij tegen Geertje, "
            "‘en de olie is "
            "duurder dan de slaap.’ Geertje lachte en zette de kruik op tafel.",
            "Het eerste hoofdstuk van het oude boek ging over de wind, en niemand in het dorp wist wie het "
            "geschreven had "
            "of waarom Krelis het elke avond weer las.",
            "„Je leest te veel,” zei Geertje. „Ik lees te langzaam,” zei Krelis, en hij blies de lamp uit.",
            "Zo ging de week voorbij.",
            "Het tweede deel van de weg liep door het bos, waar de dennen zwaar waren van de sneeuw en waar "
            "Krelis als "
            "kind zijn muts was kwijtgeraakt.",
        ),
    ),
    "Russian": Novel(
        "Мельник без лампы",
        (
            ("Глава первая", "Глава вторая", "Глава третья"),
            ("ГЛАВА I", "ГЛАВА II", "ГЛАВА III"),
            ("Глава 1. Ветер", "Глава 2. Мельница", "Глава 3. Снег"),
            ("Часть первая", "Часть вторая", "Часть третья"),
        ),
        "Пролог",
        "Эпилог",
        "Содержание",
        "КОНЕЦ",
        (
            "У Игната в ту зиму осталась одна лампа, да и та коптила. «Плачет, — сказал он Марфе, — а масло "
            "дороже сна». "
            "Марфа засмеялась и поставила кувшин на стол.",
            "Первая глава старой книги рассказывала о ветре, и никто в деревне не знал, кто её написал и "
            "почему Игнат "
            "перечитывает её каждый вечер.",
            "— Ты слишком много читаешь, — сказала Марфа.",
            "— Я слишком медленно читаю, — ответил Игнат и задул лампу.",
            "Вторая часть дороги шла через лес, где ели гнулись под снегом и где Игнат когда-то потерял "
            "шапку, да так и "
            "не стал её искать.",
        ),
    ),
    "Chinese": Novel(
        "没有灯的磨坊",
        (
            ("第一章", "第二章", "第三章"),
            ("第一章 风", "第二章 磨坊", "第三章 雪"),
            ("第1回　风起", "第2回　磨坊", "第3回　大雪"),
            ("第一节", "第二节", "第三节"),
            ("卷一", "卷二", "卷三"),
            ("一、风", "二、磨坊", "三、雪"),
        ),
        "楔子",
        "尾声",
        "目录",
        "（完）",
        (
            "那年冬天，陈阿福只剩下一盏灯，灯还冒着烟。“它在哭呢，”阿福对小兰说，“油比觉还贵。”小兰笑了，把水罐放在桌上。",
            "第一章的旧书讲的是风，村里没有人知道是谁写的，也没有人知道阿福为什么每天晚上都要读一遍。",
            "小兰说：“你读得太多了。”",
            "“我读得太慢了。”阿福说着，吹灭了灯。",
            "后半段路要穿过树林，松枝被雪压得很低，阿福小时候在那里丢过一顶帽子，后来再也没有去找。",
        ),
        wide=True,
    ),
    "Japanese": Novel(
        "灯りのない水車小屋",
        (
            ("第一章", "第二章", "第三章"),
            ("第一話　風", "第二話　水車", "第三話　雪"),
            ("一", "二", "三"),
            ("その一", "その二", "その三"),
        ),
        "序章",
        "終章",
        "目次",
        "（了）",
        (
            "その冬、源太にはもうランプが一つしかなく、それも煙ってばかりいた。「泣いているのだ」と源太はお里に言った。"
            "お里は笑って水差しを机に置いた。",
            "古い本の第一章には風のことが書いてあったが、村の者は誰が書いたのかも、なぜ源太が毎晩それを読み返すのかも知らなかった。",
            "「読みすぎですよ」とお里は言った。",
            "「読むのが遅いのだ」源太はそう答えて、ランプを吹き消した。",
            "道の後半は森を抜けていた。樅の枝は雪で重く垂れ、源太は子供のころそこで帽子をなくしたまま、探しに行ったことがなかった。",
        ),
        wide=True,
    ),
}


def wrapped(paragraph: str, *, wide: bool) -> str:
    """A paragraph in lines of 70 columns, or of 35 wide characters."""
    if wide:
        return "\n".join(paragraph[at : at + 35] for at in range(0, len(paragraph), 35))
    return textwrap.fill(paragraph, 70, break_long_words=False, break_on_hyphens=False)


def body(novel: Novel, *, wrap: bool = False, indent: str = "") -> str:
    """The prose of one chapter, three times over; with an indent there are no blank lines."""
    paragraphs = [wrapped(one, wide=novel.wide) if wrap else one for one in novel.prose * 3]
    return ("\n" if indent else "\n\n").join(indent + paragraph for paragraph in paragraphs)
