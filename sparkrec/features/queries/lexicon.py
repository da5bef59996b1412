"""Words that hold in any shop: colours, units and everyday words of the languages that queries come in."""

from sparkrec.text import normalised

_COLOURS = {
    "red": "red rot rote roter rotes roten rouge rouges rojo roja rojos rojas 红色 大红色 紅色 赤い 赤色 レッド",
    "blue": "blue navy blau blaue blauer blaues blauen bleu bleue bleus bleues azul azules 蓝色 藍色 青い 青色 ブルー",
    "green": "green grün grüne grüner grünes grünen vert verte verts vertes verde verdes 绿色 綠色 緑の 緑色 グリーン",
    "black": "black schwarz schwarze schwarzer schwarzes schwarzen noir noire noirs noires negro negra negros negras "
    "黑色 黒い 黒色 ブラック",
    "white": "white weiß weiße weißer weißes weißen blanc blanche blancs blanches blanco blanca blancos blancas "
    "白色 白い ホワイト",
    "yellow": "yellow gelb gelbe gelber gelbes gelben jaune jaunes amarillo amarilla amarillos amarillas "
    "黄色 黃色 黄色い イエロー",
    # French rose is left out: it is the flower in English.
    "pink": "pink rosa 粉色 粉红色 粉紅色 桃色 ピンク",
    "grey": "grey gray grau graue grauer graues grauen gris grise grises 灰色 グレー",
    "brown": "brown braun braune brauner braunes braunen brun brune marron marrones 棕色 褐色 咖啡色 茶色 ブラウン",
    "purple": "purple violet violett lila violette morado morada 紫色 紫の パープル",
    "orange": "orange orangefarben orangé naranja 橙色 橘色 オレンジ",
    "beige": "beige 米色 ベージュ",
    "turquoise": "turquoise türkis turquesa 青绿色 ターコイズ",
    "gold": "gold golden goldene doré dorée dorado dorada 金色 ゴールド",
    "silver": "silver silbern silberne argenté plateado plateada 银色 銀色 シルバー",
}

_UNITS = {
    "ml": "ml milliliter milliliters millilitre millilitres 毫升 ミリリットル",
    "cl": "cl",
    "l": "l liter liters litre litres litro litros 升 リットル",
    "mm": "mm millimeter millimeters millimetre millimetres 毫米 ミリ",
    "cm": "cm centimeter centimeters centimetre centimetres zentimeter 厘米 公分 センチ",
    "m": "m meter meters metre metres metro metros 米 メートル",
    "inch": "inch inches zoll pouces pulgadas 英寸 インチ",
    "g": "g gr gram grams gramm grammes gramos 克 グラム",
    "kg": "kg kilo kilos kilogram kilograms 公斤 千克 キロ",
    "oz": "oz ounce ounces",
    "lb": "lb lbs",
    "w": "w watt watts 瓦 ワット",
    "v": "v volt volts",
    "mah": "mah",
    "gb": "gb",
    "tb": "tb",
    "mp": "mp megapixel megapixels",
    "pieces": "pieces piece pcs pc pack packs stück teile pièces pièce piezas pieza 片 个 個 ピース",
}

# Also numbers of these are no price.
_AGES = (
    "year years yr yrs month months week weeks day days hour hours jahr jahre jahren monate an ans mois ano anos meses"
)

_EVERYDAY = """
a an and are as at be by for from in into is it new no not of off on or our per size the this to up with without your
under below less than over above more most least between cheap cheaper best sale price max min maximum minimum
und oder der die das den dem ein eine einen für mit ohne unter bis von zu im am auf aus größe billig günstig weniger
mehr als über zwischen ab höchstens mindestens
la le les un une des du de et ou pour avec sans en sur à au aux moins plus jusqu entre taille dès partir
el los las una unos unas y o con sin para por del menos más hasta desde talla bajo debajo
euro euros eur gbp usd pound pounds dollar dollars
"""


def _by_word(words: dict[str, str]) -> dict[str, str]:
    return {normalised(word): canonical for canonical, listed in words.items() for word in listed.split()}


COLOURS = _by_word(_COLOURS)
"""English name of a colour by its normalised word in any of the languages."""
UNITS = _by_word(_UNITS)
"""Short name of a unit by its normalised word."""
NO_MONEY = (*UNITS, *_AGES.split())
"""What stands after a number that is no price."""
FUNCTION_WORDS = frozenset(map(normalised, _EVERYDAY.split()))
"""Words that say nothing of an item, and those that stand around prices and sizes."""
EVERYDAY_WORDS = FUNCTION_WORDS.union(COLOURS, NO_MONEY)
"""Words that are right as they are, whether the catalogue has them or not."""
