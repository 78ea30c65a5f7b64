"""The texts that tests in several files look for, each in one place and in both languages.

A phrase is a part of one or more messages of the catalogues. Whoever changes its wording changes it
here, and in no other test. A text that one file alone looks for may stay in that file.
"""


class Phrase(str):
    """A part of a message in English.

    :ivar chinese: the same part of the translation; empty where no test looks for it.
    """

    chinese: str

    def __new__(cls, english: str, chinese: str = "") -> "Phrase":
        phrase = super().__new__(cls, english)
        phrase.chinese = chinese
        return phrase


# Getting around
HELP = Phrase("What I can do", "我可以幫您做什麼")
SOURCE = Phrase("Source:", "資料來源：")
MORE = Phrase("📄 More", "📄 更多")
STEP_BY_STEP = Phrase("🧭 Step by step", "🧭 操作指引")
LANGUAGE_NAME = Phrase("🌐 English", "繁體中文")
NO_LONGER_WORKS = Phrase("no longer works")
NO_LONGER_HERE = Phrase("no longer available")
NOTHING_UNDER_WAY = Phrase("nothing to cancel")
UNKNOWN_COMMAND = Phrase("don't know this command")
EARLIER_STEP = Phrase("earlier step", "先前的步驟")
STOP_AND_START = Phrase("Stop it and start")
STOPPED = Phrase("I stopped", "已停止")
UNFINISHED = Phrase("You have not finished")
OUR_ERROR = Phrase("something went wrong on our side")
DELETED_IT = Phrase("I deleted your message")
DELETE_YOURSELF = Phrase("delete it yourself")
CARD_LOST = Phrase("🚨 Card lost", "🚨 卡片遺失")
SUSPEND_OR_STOP = Phrase("Suspend the card, or stop here?", "您要停用憑證，還是離開這個步驟？")
SUSPEND_CARD = Phrase("Suspend my card", "停用憑證")
UNLOCK_CARD = Phrase("Unlock my card")
HAVE_EVERYTHING = Phrase("I have everything")
NOTHING_TO_DO = Phrase("Nothing to do")

# Who somebody is
WHO_ARE_YOU = Phrase("Verify your identity.", "請驗證身分")
TYPE_BOTH_AGAIN = Phrase("Type UI No.")
CODE_IS_RIGHT = Phrase("The code is correct", "用戶代碼正確")
CODE_IS_LOCKED = Phrase("This code is locked")
CODE_IS_PROTECTED = Phrase("typed wrong four times, so it is protected", "已啟動保護")
TEN_MINUTES_PASSED = Phrase("More than ten minutes have passed", "已超過十分鐘")
ONE_TRY_ON_THE_CARD = Phrase("works for one operation on the card", "限用於一次卡片作業")
SHOWN_WHO_YOU_ARE = Phrase("You're verified")
SEND_ONE_TIME_CODE = Phrase("Send a one-time code", "寄一次性驗證碼")
MAIL_MAY_BE_SENT = Phrase("match our records")
MAIL_LIMIT = Phrase("The limit for one-time codes is reached")
ONE_TIME_CODE_MAIL = Phrase("one-time code is")
DEMONSTRATION = Phrase("A demonstration", "這是示範")

# The certificate and the code
SUSPEND_NOW = Phrase("Suspend the card now?", "現在停用嗎")
SUSPEND_BUTTON = Phrase("Suspend now", "現在停用")
SUSPENDED = Phrase("Suspended.", "已停用。")
CERTIFICATE_SUSPENDED = Phrase("The certificate is suspended", "憑證已停用")
THEY_ARE_TOLD = Phrase("Notifications sent")
TAP_TO_SEE = Phrase("Tap to see")
KEEP_IT_SAFE = Phrase("Keep it safe", "請妥善保管")
STATUS_TITLE = Phrase("Application status", "目前辦理進度")

# Paying
PAYMENT_RECEIVED = Phrase("Payment received", "已收到款項")
FEE_IS_PAID = Phrase("The fee is paid")
PAID_ALREADY = Phrase("already paid")
NOT_CONFIRMED = Phrase("could not be confirmed in time")
WHICH_DAY = Phrase("When did you apply?")
DAY_TO_COME = Phrase("in the future")
NO_SUCH_DAY = Phrase("date does not exist")

# The card in the reader
GO_ON_AT_PC = Phrase("Continue on your PC", "請到電腦上繼續")
PUT_CARD_IN = Phrase("Put the card into the reader", "請把卡片插入讀卡機")
ASK_CARD_AGAIN = Phrase("press the button to check the card again", "重新向卡片確認")
CARD_PULLED_OUT = Phrase("The card was pulled out")
CARD_CANNOT_DO_THAT = Phrase("This kind of card cannot do that here")
CARD_FINDINGS = Phrase("Card check result", "卡片檢查結果")
ALL_IN_ORDER = Phrase("All OK")
NOT_ACTIVATED = Phrase("not activated yet")
ACTIVATED = Phrase("Activated (開卡).", "已開卡")
UNLOCK_BUTTON = Phrase("Unlock the card", "鎖卡解碼")
UNLOCKED = Phrase("Unlocked (鎖卡解碼).", "鎖卡解碼完成")
PIN_IS_LOCKED = Phrase("The PIN is locked: no attempts left.", "PIN碼已鎖住")
PIN_WAS_WRONG = Phrase("The PIN was wrong.")

# The app on the PC
PAIRING_CODE = Phrase("Pairing code", "配對碼")
CODE_LABEL = Phrase("Code:", "配對碼：")
COMPARE_WITH_TELEGRAM = Phrase("Compare with your Telegram", "請和您的 Telegram 比對")
ONLY_IF_YOU_STARTED = Phrase(
    "only if you started this in your own Telegram", "只有您自己在 Telegram 開始操作"
)
PAIRED_WITH = Phrase("Paired with")
GO_ON_IN_CHAT = Phrase("Continue in the chat")
TAKE_CARD_OUT = Phrase("You can take the card out")
MAY_CHAT_LOOK = Phrase("Let the chat look at your card?", "允許聊天室查看您的卡片嗎？")
MAY_PIN_CHANGE = Phrase("Change the PIN of this card?")
TYPE_PIN = Phrase("Type the PIN of your card")
CHOOSE_NEW_PIN = Phrase("Choose a new PIN")
SWITCH_KEYBOARD = Phrase("switch the keyboard to English")
OPERATION_CANCELLED = Phrase("It was cancelled.")
NOT_CHECKED = Phrase("not checked")
CHECK_CONNECTION = Phrase("Check the internet connection")
ADDRESS_IN_CHAT = Phrase("The chat shows you the server's address.")
ADDRESS_NOT_ENCRYPTED = Phrase("everybody on the way could read along")
CANNOT_BE_READ = Phrase("cannot be read")
PASSPHRASE_WRONG = Phrase("The passphrase of the virtual card is wrong.")
NOT_A_VIRTUAL_CARD = Phrase("not a virtual card")

# The support desk
ASK_PERSON = Phrase("Ask a person here")
YES_ASK_PERSON = Phrase("Yes, ask a person")
SEND_TO_STAFF = Phrase("send it to staff")
WITHHELD = Phrase("Withheld")
