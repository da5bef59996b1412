"""The words that the simulated shop is made of."""

from typing import NamedTuple


class Category(NamedTuple):
    """A category with the words that name its things, and what one of them costs in the middle."""

    path: str
    noun: str
    synonym: str
    chinese: str
    japanese: str
    price: float
    sizes: tuple[str, str, str]


class Site(NamedTuple):
    """One of the shop's sites, its country and the offset of its clock."""

    name: str
    country: str
    offset_minutes: int
    offset: str


SITES = (
    Site("uk", "United Kingdom", 0, "+00:00"),
    Site("de", "Germany", 60, "+01:00"),
    Site("jp", "Japan", 540, "+09:00"),
    Site("us", "United States", -300, "-05:00"),
    Site("fr", "France", 60, "+01:00"),
)

_WEAR = ("S", "M", "L")
_SHOE = ("38", "41", "44")
_LENGTH = ("20 cm", "30 cm", "45 cm")

CATEGORIES = (
    Category("Kitchen > Mugs", "mug", "cup", "马克杯", "マグカップ", 9.0, ("250 ml", "350 ml", "500 ml")),
    Category("Clothing > Shirts", "shirt", "top", "衬衫", "シャツ", 30.0, _WEAR),
    Category("Electronics > Headphones", "headphones", "headset", "耳机", "ヘッドホン", 60.0, ("1 m", "2 m", "3 m")),
    Category("Home > Lamps", "lamp", "light", "台灯", "ランプ", 39.0, _LENGTH),
    Category("Shoes > Trainers", "trainers", "sneakers", "运动鞋", "スニーカー", 70.0, _SHOE),
    Category("Clothing > Socks", "socks", "stockings", "袜子", "靴下", 8.0, _WEAR),
    Category("Toys > Puzzles", "puzzle", "jigsaw", "拼图", "パズル", 14.0, ("100 pieces", "500 pieces", "1000 pieces")),
    Category("Kitchen > Pans", "pan", "skillet", "平底锅", "フライパン", 29.0, _LENGTH),
    Category("Electronics > Chargers", "charger", "adapter", "充电器", "充電器", 18.0, ("20 W", "45 W", "65 W")),
    Category("Home > Cushions", "cushion", "pillow", "靠垫", "クッション", 15.0, _LENGTH),
    Category("Clothing > Jackets", "jacket", "coat", "夹克", "ジャケット", 85.0, _WEAR),
    Category("Beauty > Creams", "face cream", "lotion", "面霜", "クリーム", 17.0, ("50 ml", "75 ml", "100 ml")),
    Category("Garden > Planters", "planter", "flowerpot", "花盆", "植木鉢", 22.0, _LENGTH),
    Category("Electronics > Keyboards", "keyboard", "keypad", "键盘", "キーボード", 45.0, ("60%", "80%", "100%")),
    Category("Sport > Yoga mats", "yoga mat", "exercise mat", "瑜伽垫", "ヨガマット", 25.0, ("4 mm", "6 mm", "8 mm")),
    Category("Kitchen > Kettles", "kettle", "boiler", "水壶", "ケトル", 35.0, ("1 l", "1.5 l", "2 l")),
    Category("Clothing > Dresses", "dress", "gown", "连衣裙", "ワンピース", 55.0, _WEAR),
    Category("Home > Clocks", "clock", "timepiece", "时钟", "時計", 24.0, _LENGTH),
    Category("Shoes > Boots", "boots", "wellies", "靴子", "ブーツ", 95.0, _SHOE),
    Category("Toys > Dolls", "doll", "figure", "娃娃", "人形", 19.0, _LENGTH),
    Category("Home > Rugs", "rug", "carpet", "地毯", "ラグ", 79.0, ("1 x 1 m", "1 x 2 m", "2 x 3 m")),
    Category("Kitchen > Knives", "knife", "blade", "菜刀", "包丁", 25.0, _LENGTH),
    Category("Garden > Hoses", "hose", "pipe", "水管", "ホース", 28.0, ("10 m", "20 m", "30 m")),
    Category("Electronics > Cameras", "camera", "camcorder", "相机", "カメラ", 220.0, ("12 MP", "24 MP", "48 MP")),
)

BRANDS = (
    "Nordhaus", "Café Lumière", "Brightwell", "Süderland", "Ash & Oak", "Kobayashi", "Pemberley", "Ørsted Living",
    "Tidewater", "Marisol", "Zephyr", "Oldfield", "Peña", "Lindqvist", "Halcyon", "Quill", "Fernweh", "Tamura",
    "Redstart", "Bellini",
)  # fmt: skip

COLOURS = ("red", "blue", "green", "black", "white", "yellow", "pink", "grey", "brown", "purple")
COLOURS_CHINESE = ("红色", "蓝色", "绿色", "黑色", "白色", "黄色", "粉色", "灰色", "棕色", "紫色")
COLOURS_JAPANESE = ("赤い", "青い", "緑の", "黒い", "白い", "黄色い", "ピンクの", "灰色の", "茶色の", "紫の")

ADJECTIVES = (
    "Classic", "Modern", "Soft", "Compact", "Everyday", "Premium", "Light", "Sturdy", "Vintage", "Slim", "Handmade",
    "Foldable",
)  # fmt: skip

FIRST_NAMES = ("Nora", "Emil", "Aiko", "Jonas", "Priya", "Mateo", "Yuki", "Clara", "Omar", "Freya", "Luca", "Mei")

REVIEWS = (
    ("Broke on the first day, a complete waste.", "Terrible quality, I want my money back.", "Awful. Never again."),
    ("Disappointing, it feels cheap.", "Not what the picture shows.", "Poor finish, would not buy it again."),
    ("It is all right for the price.", "Average, does what it should.", "Neither good nor bad."),
    ("Good quality, I am happy with it.", "Nice and sturdy, came quickly.", "Very pleased, only the box was dented."),
    ("Excellent! I love it.", "Perfect in every way, highly recommended.", "Wonderful, the best I have ever had."),
)
"""Three texts for each rating from 1 to 5."""

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
)
ROBOTS = ("PriceBot/2.1 (+https://pricebot.example)", "ShopCrawler/1.0 (+https://crawler.example/about)")
