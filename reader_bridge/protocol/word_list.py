"""The words that a pairing is compared by: plain things, each with its Chinese counterpart.

The list is part of the protocol: its order and its 256 entries are fixed for this level.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PairingWord:
    """A word in both languages."""

    english: str
    chinese: str


_LIST: Final = """
apple 蘋果 banana 香蕉 cherry 櫻桃 grape 葡萄 lemon 檸檬 mango 芒果 melon 甜瓜 orange 橘子
papaya 木瓜 peach 桃子 pear 梨子 pineapple 鳳梨 plum 李子 strawberry 草莓 tomato 番茄 coconut 椰子
carrot 紅蘿蔔 potato 馬鈴薯 onion 洋蔥 garlic 大蒜 ginger 薑 pumpkin 南瓜 cucumber 小黃瓜 corn 玉米
mushroom 香菇 spinach 菠菜 cabbage 高麗菜 bean 豆子 peanut 花生 chili 辣椒 rice 白飯 noodle 麵條
bread 麵包 cake 蛋糕 cookie 餅乾 cheese 起司 butter 奶油 honey 蜂蜜 sugar 糖 salt 鹽
egg 雞蛋 milk 牛奶 juice 果汁 coffee 咖啡 tea 茶 soup 湯 pizza 披薩 dumpling 水餃
cat 貓 dog 狗 horse 馬 cow 牛 sheep 綿羊 goat 山羊 pig 豬 rabbit 兔子
mouse 老鼠 tiger 老虎 lion 獅子 bear 熊 panda 熊貓 monkey 猴子 elephant 大象 giraffe 長頸鹿
zebra 斑馬 camel 駱駝 deer 鹿 fox 狐狸 wolf 狼 kangaroo 袋鼠 koala 無尾熊 squirrel 松鼠
chicken 雞 duck 鴨子 goose 鵝 eagle 老鷹 owl 貓頭鷹 parrot 鸚鵡 penguin 企鵝 swan 天鵝
fish 魚 shark 鯊魚 whale 鯨魚 dolphin 海豚 octopus 章魚 crab 螃蟹 shrimp 蝦子 turtle 海龜
frog 青蛙 snake 蛇 lizard 蜥蜴 crocodile 鱷魚 ant 螞蟻 bee 蜜蜂 butterfly 蝴蝶 spider 蜘蛛
sun 太陽 moon 月亮 star 星星 cloud 雲 rain 雨 snow 雪 wind 風 thunder 雷
rainbow 彩虹 fire 火 water 水 ice 冰 mountain 山 river 河流 lake 湖 sea 海
island 島 beach 海灘 forest 森林 desert 沙漠 valley 山谷 volcano 火山 waterfall 瀑布 cave 山洞
tree 樹 leaf 葉子 flower 花 grass 草 rose 玫瑰 lotus 蓮花 bamboo 竹子 seed 種子
stone 石頭 sand 沙子 gold 黃金 silver 銀 iron 鐵 glass 玻璃 paper 紙 wood 木頭
house 房子 door 門 window 窗戶 roof 屋頂 wall 牆壁 garden 花園 kitchen 廚房 stairs 樓梯
school 學校 hospital 醫院 library 圖書館 museum 博物館 temple 寺廟 market 市場 bank 銀行 bridge 橋
street 街道 park 公園 tower 高塔 airport 機場 station 車站 harbor 港口 farm 農場 factory 工廠
bus 公車 car 汽車 taxi 計程車 train 火車 airplane 飛機 bicycle 腳踏車 boat 小船 rocket 火箭
wheel 輪子 engine 引擎 ticket 車票 map 地圖 compass 指南針 passport 護照 suitcase 行李箱 tent 帳篷
table 桌子 chair 椅子 bed 床 sofa 沙發 lamp 檯燈 mirror 鏡子 carpet 地毯 pillow 枕頭
blanket 毛毯 clock 時鐘 key 鑰匙 lock 鎖 box 箱子 basket 籃子 bottle 瓶子 cup 杯子
bowl 碗 plate 盤子 spoon 湯匙 fork 叉子 knife 刀子 chopsticks 筷子 kettle 水壺 oven 烤箱
book 書 pen 筆 pencil 鉛筆 ruler 尺 scissors 剪刀 envelope 信封 stamp 郵票 newspaper 報紙
hat 帽子 shirt 襯衫 coat 大衣 shoes 鞋子 socks 襪子 gloves 手套 scarf 圍巾 umbrella 雨傘
ring 戒指 watch 手錶 glasses 眼鏡 button 鈕扣 needle 針 thread 線 mask 口罩 wallet 皮夾
piano 鋼琴 guitar 吉他 violin 小提琴 drum 鼓 flute 長笛 bell 鈴鐺 trumpet 喇叭 song 歌曲
ball 球 kite 風箏 doll 娃娃 puzzle 拼圖 balloon 氣球 candle 蠟燭 gift 禮物 lantern 燈籠
camera 相機 phone 電話 radio 收音機 computer 電腦 television 電視 battery 電池
magnet 磁鐵 robot 機器人 hammer 鐵鎚 nail 釘子 rope 繩子 ladder 梯子 shovel 鏟子
brush 刷子 soap 肥皂 towel 毛巾
"""
_PARTS: Final = _LIST.split()
PAIRING_WORDS: Final = tuple(
    PairingWord(english, chinese)
    for english, chinese in zip(_PARTS[::2], _PARTS[1::2], strict=True)
)
