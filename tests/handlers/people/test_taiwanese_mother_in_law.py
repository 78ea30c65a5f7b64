"""A Taiwanese mother-in-law who pays the fee for the card of her son's wife, on her phone."""

from tests.bot_harness import BotHarness
from tests.handlers.conversations.online.cardholders import Office, read_one_time_code
from tests.handlers.conversations.online.payments import invoices, pay_invoice
from tests.handlers.people.person import HOTLINE, OFFICIAL_PAGE, Person


async def test_the_fee_is_paid_after_all_that_comes_between(embedded: Office) -> None:
    holder = await embedded.cardholder("submitted")
    mei = Person(embedded.harness, "美玲", "zh-hant")
    await mei.types("我要幫媳婦繳費")
    await mei.taps("怎麼繳費")
    await mei.taps("現在繳費")
    mei.reads("統一證號", "用戶代碼", "申請書")
    await mei.sends("photo")
    mei.reads("無法處理圖片", "請將它刪除")
    await mei.taps("刪除")
    await mei.types("用戶代碼是什麼")
    mei.reads("用戶代碼", "請驗證身分")
    sent = await mei.types(f"{holder.ui_number_text}，{holder.code_text}")
    assert mei.is_gone(sent)
    mei.reads("NT$278", "最後繳費日")
    await mei.types("算了")
    mei.reads("已停止")
    await mei.taps("重新開始")
    await mei.types(holder.number_and_code)
    await mei.taps("地址正確，繳費")
    invoice = invoices(mei)[-1]
    await pay_invoice(mei, invoice, "decline")
    await pay_invoice(mei, invoice)
    mei.reads("已收到款項")
    await mei.types("謝謝")
    mei.reads("不客氣")
    application = await holder.load_application()
    assert application.state == "paid"


async def test_the_code_comes_back_though_the_birth_date_was_mistyped(embedded: Office) -> None:
    holder = await embedded.cardholder("submitted")
    mei = Person(embedded.harness, "美玲", "zh-hant")
    await mei.types("/guide")
    await mei.taps("取回用戶代碼")
    mei.reads("開卡後就無法取回")
    await mei.taps("找不到")
    await mei.types(holder.ui_number_text)
    await mei.types("1988-01-01")
    sent = await mei.types(holder.birth_date)
    assert mei.is_gone(sent)
    mei.reads("出生日期有誤時", "上一步")
    await mei.taps("上一步")
    await mei.types(holder.birth_date)
    await mei.sends("sticker")
    await mei.types(await read_one_time_code(embedded.harness, holder))
    mei.reads("身分驗證完成")
    await mei.taps("顯示 60 秒")
    assert any(holder.code_text in message["text"] for message in mei.screen)


async def test_whoever_only_looked_keeps_the_reminders(guide: BotHarness) -> None:
    mei = Person(guide, "美玲", "zh-hant")
    await mei.types("/guide")
    await mei.taps("線上繳費")
    await mei.taps("期限")
    await mei.taps("今天")
    await mei.taps("繼續繳費")
    for _ in range(3):
        await mei.taps("✅")
    mei.reads("繳費後")
    await mei.taps("這樣就好")
    mei.reads("等候卡片寄達")
    mei.does_not_read("已停止提醒")


async def test_the_guide_tells_the_last_day_and_leads_to_the_page(guide: BotHarness) -> None:
    mei = Person(guide, "美玲", "zh-hant")
    await mei.types("幫媳婦問，什麼時候要繳錢？")
    await mei.types("/guide")
    await mei.taps("繳費")
    await mei.taps("期限")
    await mei.types("上禮拜")
    await mei.types("今天申請的")
    await mei.taps("今天")
    mei.reads("最後")
    await mei.taps("繳費")
    mei.reads(OFFICIAL_PAGE)
    await mei.types("網頁都是英文看不懂")
    await mei.taps("查不到資料")
    mei.reads(HOTLINE)
    await mei.types("不要了")
    mei.reads("已停止")
