// An ordinary day at the shipped pages, in a real browser, with the pages' script on and off: book, clash,
// change, cancel; by keyboard alone; and what the script adds.
import { axeFindings, comment, day, end, is, launch, like, LOCALES, ok, overflow, PAGES, person } from "./world.mjs";

const browser = await launch();

// ---- how a page is used ----

// Times as people write them, whichever fields the form has.
async function setTimes(page, date, start, to) {
    const form = page.locator("form:has([name=subject])");
    if (await form.locator("[name=date]:visible").count()) {
        await form.locator("[name=date]").fill(date);
        await form.locator("[name=start]").fill(start);
        await form.locator("[name=end]").fill(to);
    } else {
        await form.locator("[name=start]").fill(`${date}T${start}`);
        await form.locator("[name=end]").fill(`${date}T${to}`);
    }
}

async function times(page) {
    return page.locator("form:has([name=subject])").evaluate((form) => {
        const value = (name) => form.elements.namedItem(name)?.value ?? "";
        const short = (text) => text.replace(/^.*T/, "");
        return `${value("date") || value("start").slice(0, 10)} ${short(value("start"))} ${short(value("end"))}`;
    });
}

const submit = (page, name) => page.getByRole("button", { name, exact: true }).first().click();
const cell = (page, room, hour) => page.locator(".owacal-grid tbody tr", { hasText: room })
    .locator("td").nth((Number(hour.slice(0, 2)) - 8) * 2 + (hour.endsWith("30") ? 1 : 0));
const message = (page) => page.locator("[data-owacal=message]").first().innerText();
const mine = (page, subject) => page.locator("[data-owacal=mine]").getByRole("link", { name: subject, exact: true });

// ---- a story, with and without script, in several languages ----

const words = {
    en: { slot: "free: book Board room from 10:00 to 10:30", book: "Book", booked: /The booking is (?!cancelled|changed)/,
        busy: "busy", free: "free", taken: /taken/, page: "Book a room", change: "Change", changed: "The booking is changed",
        answers: /Board room: accepted[\s\S]*bob@example\.test: no answer yet/,
        cancel: "Cancel", really: "Cancel the booking", cancelled: "The booking is cancelled" },
    de: { slot: "frei: Board room von 10:00 bis 10:30 buchen", book: "Buchen", booked: /Die Buchung ist (?!abgesagt|ge\u00e4ndert)/,
        busy: "gebucht", free: "frei", taken: /belegt/, page: "Raum buchen", change: "\u00c4ndern", changed: "Die Buchung ist ge\u00e4ndert",
        answers: /Board room: zugesagt[\s\S]*bob@example\.test: noch keine Antwort/,
        cancel: "absagen", really: "Buchung absagen", cancelled: "Die Buchung ist abgesagt" },
    hu: { slot: "szabad: Board room lefoglal\u00e1sa, 10:00 \u2013 10:30", book: "Foglal\u00e1s", booked: /A foglal\u00e1s meg/,
        busy: "foglalt", free: "szabad", taken: /foglalt/, page: "Terem foglal\u00e1sa", change: "M\u00f3dos\u00edt\u00e1s",
        answers: /Board room: elfogadva[\s\S]*bob@example\.test: m\u00e9g nincs v\u00e1lasz/,
        changed: "A foglal\u00e1s m\u00f3dosult", cancel: "lemond\u00e1s", really: "Foglal\u00e1s lemond\u00e1sa",
        cancelled: "A foglal\u00e1s lemond\u00e1sa megt\u00f6rt\u00e9nt" },
};

async function story(lang, javaScriptEnabled, date, viewport = { width: 1280, height: 900 }) {
    const how = `${lang}, script ${javaScriptEnabled ? "on" : "off"}`;
    const say = words[lang];
    const subject = `Budget & \u0151 review <${how}>`;
    const options = { javaScriptEnabled, viewport, locale: LOCALES[lang] };
    const alice = await person(browser, options);
    const { page } = alice;
    const axe = async (page, what) => {
        const found = javaScriptEnabled ? await axeFindings(page) : [];
        ok(found.length === 0, `${how}: axe finds nothing in ${what}`, found);
        is((await page.locator("html").getAttribute("lang")).slice(0, 2), lang, `${how}: the language of ${what}`);
    };

    comment(how);
    await alice.open(`/intranet/index.html?owacal-day=${date}`);
    await page.getByRole("link", { name: say.slot, exact: true }).click();
    await page.waitForURL(/book\.html\?/);
    is(await times(page), `${date} 10:00 10:30`, `${how}: a free slot leads to the form, filled`);
    is(await page.locator("[name=room]").inputValue(), "boardroom", `${how}: with its room`);
    await page.locator("[name=subject]").fill(subject);
    await page.locator("[name=required]").fill("bob@example.test");
    await submit(page, say.book);
    await page.waitForURL(/book\.html\?owacal=/);
    like(await message(page), say.booked, `${how}: booked, and the page says so`);
    ok(await overflow(page) <= 0, `${how}: and is no wider than the window`);

    await alice.open(`/intranet/index.html?owacal-day=${date}`);
    is(await cell(page, "Board room", "10:00").innerText(), say.busy, `${how}: the grid shows it`);
    is(await mine(page, subject).count(), 1, `${how}: and so do my bookings, markup as text`);
    like(await page.locator("[data-owacal=mine] tr", { hasText: subject }).innerText(), say.answers, `${how}: with who has answered`);
    if (javaScriptEnabled) {
        const found = await axeFindings(page);
        ok(found.length === 0, "axe: a start page with answers", found);
    }
    await page.setViewportSize({ width: 320, height: 640 });
    ok(await overflow(page) <= 0, `${how}: which fits a phone`);
    await page.setViewportSize(viewport);

    // Somebody else wants the same.
    const bob = await person(browser, { ...options, user: "bob" });
    await bob.open("/intranet/book.html");
    await bob.page.locator("[name=room]").selectOption("boardroom");
    await bob.page.locator("[name=subject]").fill("Mine");
    await bob.page.locator("[name=text]").fill("two\nlines");
    await setTimes(bob.page, date, "10:00", "11:00");
    await submit(bob.page, say.book);
    await bob.page.locator(".owacal-error").first().waitFor();
    like(await bob.page.locator(".owacal-error").first().innerText(), say.taken, `${how}: a clash is told`);
    is(await bob.page.locator("[name=subject]").first().inputValue(), "Mine", `${how}: nothing typed is lost`);
    is(await bob.page.locator("[name=text]").first().inputValue(), "two\nlines", `${how}: not the lines of a text either`);
    is(await times(bob.page), `${date} 10:00 11:00`, `${how}: nor the times`);
    is(await bob.page.title(), say.page, `${how}: it stands in the page it was sent from`);
    ok(await bob.page.locator("header nav").count() === 1, `${how}: with all around it`);
    const next = bob.page.locator(".owacal-days a").nth(3); // previous week and day, today, next day
    is(new URL(await next.evaluate((a) => a.href)).pathname, "/intranet/book.html", `${how}: whose links lead to that page`);
    const other = await bob.context.newPage();
    await other.goto(await next.evaluate((a) => a.href));
    ok(await other.locator("[data-owacal=form] form").count() === 1, `${how}: and arrive there`);
    ok(await other.locator(".owacal-grid").count() > 0, `${how}: with the next day`);
    await other.close();
    if (javaScriptEnabled) {
        const asked = bob.page.waitForRequest((request) => request.method() === "GET");
        await bob.page.evaluate(() => {
            document.querySelector(".owacal-grid").dataset.old = "1";
            document.dispatchEvent(new Event("owacal:refresh"));
        });
        is(new URL((await asked).url()).pathname, "/intranet/book.html", "what is kept up to date is that page's");
        const shown = bob.page.locator(".owacal-grid:not([data-old]) caption time").first();
        is((await shown.getAttribute("datetime")).slice(0, 10), date, "on the day that was sent, not today");
        is(await bob.page.locator("[name=text]").first().inputValue(), "two\nlines", "and not the form");
    }
    await bob.page.setViewportSize({ width: 320, height: 640 });
    ok(await overflow(bob.page) <= 0, `${how}: and is no wider than a phone`);
    await axe(bob.page, "a form that came back");
    if (javaScriptEnabled) {
        // A slot beside the form fills it, although the page stands at another address now. At night no slot of
        // the day is left, so one is made.
        await bob.page.locator(".owacal-grid td.free").first().evaluate((cell, date) => {
            const link = document.createElement("a");
            link.href = `/intranet/book.html?owacal-room=room1&owacal-start=${date}T12:00&owacal-end=${date}T13:00`;
            link.textContent = "12:00";
            cell.replaceChildren(link);
        }, date);
        await bob.page.getByRole("link", { name: "12:00", exact: true }).click();
        is(await bob.page.locator("[name=room]").inputValue(), "room1", `${how}: a slot beside it still fills it`);
        await bob.page.locator("[name=room]").selectOption("boardroom");
    }
    await setTimes(bob.page, date, "11:00", "11:30");
    await submit(bob.page, say.book);
    await bob.page.waitForURL(/book\.html\?owacal=/);
    like(await message(bob.page), say.booked, `${how}: sent once more with another time it is booked`);
    ok(bob.wrong.length === 0, `${how}: nothing went wrong on the way`, bob.wrong);
    await bob.context.close();

    // It is moved, and then called off.
    await mine(page, subject).click();
    await page.locator("form:has([name=subject])").waitFor();
    ok(await overflow(page) <= 0, `${how}: a booking is no wider than the window`);
    await axe(page, "a booking");
    await setTimes(page, date, "14:00", "15:00");
    await submit(page, say.change);
    await page.getByText(say.changed).first().waitFor();
    ok(true, `${how}: changed`);
    await alice.open(`/intranet/index.html?owacal-day=${date}`);
    is(await cell(page, "Board room", "10:00").innerText(), say.free, `${how}: the old time is free`);
    is(await cell(page, "Board room", "14:30").innerText(), say.busy, `${how}: the new one is not`);

    await mine(page, subject).click();
    const reason = page.locator("[name=reason]:visible");
    if (await reason.count() === 0) {
        await page.getByRole("link", { name: say.cancel }).first().click(); // whatever its case
    }
    await reason.first().fill("No longer needed.");
    await axe(page, "the question before it is cancelled");
    await submit(page, say.really);
    await page.getByText(say.cancelled).first().waitFor();
    ok(true, `${how}: cancelled`);
    await alice.open(`/intranet/index.html?owacal-day=${date}`);
    is(await cell(page, "Board room", "14:30").innerText(), say.free, `${how}: and free again`);
    is(await mine(page, subject).count(), 0, `${how}: and gone from my bookings`);

    await find(page, how, date);
    ok(alice.wrong.length === 0, `${how}: no error in the console, no request elsewhere, no breach of the policy`, alice.wrong);
    await alice.context.close();
}

async function find(page, how, date) {
    const form = page.locator("[data-owacal=finder] form");
    if (await form.locator("[type=date]").count()) {
        await form.locator("[type=date]").first().fill(date);
        await form.locator("[type=time]").first().fill("11:00");
    }
    if (!await form.locator("[name$=duration]").inputValue()) {
        await form.locator("[name$=duration]").fill("30");
    }
    await form.locator("[name$=capacity]").fill("2");
    await form.getByRole("button").first().click();
    const result = page.locator("[data-owacal=finder]");
    await result.getByText("Room 1").first().waitFor();
    ok(true, `${how}: a room is found`);
}

// ---- by keyboard alone ----

async function tabTo(page, wanted, key = "Tab") {
    for (let i = 0; i < 150; i++) {
        const focused = page.locator(":focus");
        if (await focused.count() && await focused.evaluate((e, s) => e.matches(s), wanted)) {
            return focused;
        }
        await page.keyboard.press(key);
    }
    throw new Error(`no way by ${key} to ${wanted}`);
}

async function byKeyboard(javaScriptEnabled, date) {
    const how = `keyboard alone, script ${javaScriptEnabled ? "on" : "off"}`;
    const alice = await person(browser, { javaScriptEnabled, viewport: { width: 320, height: 640 } });
    const { page } = alice;

    await alice.open(`/intranet/index.html?owacal-day=${date}`);
    await page.keyboard.press("Tab");
    is(await page.locator(":focus").innerText(), "To the content", `${how}: the first stop leads past the navigation`);
    await tabTo(page, "td.free a[aria-label*='Room 1 from 08:00']");
    if (javaScriptEnabled) {
        await page.keyboard.press("ArrowRight");
        await page.keyboard.press("Shift+ArrowRight");
        await page.keyboard.press("Shift+ArrowRight");
        is(await page.locator("td.chosen").count(), 3, `${how}: Shift and arrows choose slots`);
        is(await page.locator(".owacal-said").textContent(), "Room 1 08:30\u201310:00", `${how}: which is said, too`);
        await page.keyboard.press("Shift+ArrowLeft");
        is(await page.locator("td.chosen").count(), 2, `${how}: and back`);
    }
    await page.keyboard.press("Enter");
    await page.waitForURL(/book\.html/);
    is(await times(page), javaScriptEnabled ? `${date} 08:30 09:30` : `${date} 08:00 08:30`, `${how}: Enter takes them to the form`);
    await tabTo(page, "[name=subject]");
    const ring = await page.locator(":focus").evaluate((e) => getComputedStyle(e).outlineStyle);
    is(ring, "solid", `${how}: where one is can be seen`);
    await page.keyboard.type(`Keys, script ${javaScriptEnabled ? "on" : "off"}`);
    await page.keyboard.press("Enter");
    await page.waitForURL(/owacal=/);
    like(await message(page), /The booking is /, `${how}: booked`);
    ok(await overflow(page) <= 0, `${how}: 320 pixels suffice`);
    ok(alice.wrong.length === 0, `${how}: nothing went wrong`, alice.wrong);
    await alice.context.close();
}

// ---- what the script adds ----

async function byScript(date) {
    const { page, wrong, open, context } = await person(browser);

    await open(`/intranet/index.html?owacal-day=${date}`);
    const at = async (hour) => {
        const box = await cell(page, "Board room", hour).boundingBox();
        return [box.x + box.width / 2, box.y + box.height / 2];
    };
    await page.mouse.move(...await at("10:00"));
    await page.mouse.down();
    await page.mouse.move(1, 1);
    await page.mouse.up();
    await cell(page, "Board room", "15:00").locator("a").focus();
    await page.keyboard.press("Shift+ArrowRight");
    is(await page.locator(".owacal-said").textContent(), "Board room 15:00\u201316:00", "a slot that was pressed and let go elsewhere begins no range");
    await page.keyboard.press("Escape");
    await page.mouse.move(...await at("15:00"));
    await page.mouse.down();
    await page.mouse.move(...await at("15:30"));
    await page.mouse.move(...await at("16:00"));
    await page.mouse.up();
    await page.waitForURL(/book\.html/);
    is(await times(page), `${date} 15:00 16:30`, "the pointer draws over slots");

    // In the page of the form it is filled where it stands.
    await open(`/intranet/book.html?owacal-day=${date}`);
    await page.locator("[name=subject]").fill("Kept");
    await page.getByRole("link", { name: /^free: book Room 1 from 12:00 / }).click();
    is(await times(page), `${date} 12:00 13:00`, "a slot beside the form fills it");
    is(await page.locator("[name=room]").inputValue(), "room1", "and its room");
    is(await page.locator("[name=subject]").inputValue(), "Kept", "and leaves the rest");

    // The last slot of a whole day ends on the next.
    const after = new Date(Date.parse(date) + 86_400_000).toISOString().slice(0, 10);
    const last = page.locator(".owacal-grid td.free a").last();
    await last.evaluate((link, [date, after]) => {
        link.href = `/intranet/book.html?owacal-room=room1&owacal-start=${date}T23:00&owacal-end=${after}T00:00`;
    }, [date, after]);
    await last.click();
    is(`${await times(page)} ${await page.locator("[name=end_date]").inputValue()}`, `${date} 23:00 00:00 ${after}`, "a slot up to midnight ends on the next day");

    const field = page.locator("[name=required]");
    await field.click();
    await page.keyboard.type("carol@example.test, bo");
    const option = page.locator(".owacal-names [role=option]").first();
    await option.waitFor();
    like(await option.innerText(), /bob@example\.test/i, "a name is looked up while one types");
    const found = await axeFindings(page);
    ok(found.length === 0, "axe: the names", found);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    is((await field.inputValue()).toLowerCase(), "carol@example.test, bob@example.test", "and taken by keyboard");
    is(await page.locator(".owacal-names [role=option]").count(), 0, "then the list has gone");

    // A page that stays open shows what others have done since.
    await open(`/intranet/index.html?owacal-day=${date}`);
    const bob = await person(browser, { user: "bob", javaScriptEnabled: false });
    await bob.open(`/intranet/book.html?owacal-room=room1&owacal-subject=B&owacal-start=${date}T16:00&owacal-end=${date}T16:30`);
    await submit(bob.page, "Book");
    await bob.page.waitForURL(/owacal=/);
    like(await cell(page, "Room 1", "16:00").innerText(), /free/, "what is shown is as old as the page");
    await page.evaluate(() => document.dispatchEvent(new Event("owacal:refresh")));
    await cell(page, "Room 1", "16:00").filter({ hasText: "busy" }).waitFor();
    ok(true, "until it looks again");
    ok(wrong.length + bob.wrong.length === 0, "what the script does breaks no policy", [...wrong, ...bob.wrong]);
    await bob.context.close();
    await context.close();
    await keptUpToDate(date);
}

// What is kept up to date takes nothing that was typed, wherever one is looking meanwhile.
async function keptUpToDate(date) {
    const { page, open, context } = await person(browser, { user: "bob" });

    await open(`/intranet/index.html?owacal-day=${date}`);
    await page.getByRole("link", { name: "Cancel: B", exact: true }).click();
    const reason = page.locator("[data-owacal=mine] [name=reason]");
    await reason.fill("Nobody comes");
    await page.getByRole("link", { name: "To the content" }).focus();
    await page.evaluate(() => {
        document.querySelector(".owacal-grid").dataset.old = "1";
        document.dispatchEvent(new Event("owacal:refresh"));
    });
    await page.locator(".owacal-grid:not([data-old])").first().waitFor();
    is(await reason.inputValue(), "Nobody comes", "a reason that was typed stays while the page is kept up to date");
    await context.close();
}

// ---- at the door ----

async function atTheDoor(javaScriptEnabled, room) {
    const how = `at the door, script ${javaScriptEnabled ? "on" : "off"}`;
    const { page, wrong, open, context } = await person(browser, { javaScriptEnabled, viewport: { width: 1024, height: 600 } });
    const state = () => page.locator(".owacal-state").innerText();
    const axe = async (what) => {
        // A display renews itself, and nothing is lost by it: that is what it is for.
        const found = javaScriptEnabled ? (await axeFindings(page)).filter((f) => f.id !== "meta-refresh") : [];
        ok(found.length === 0, `${how}: axe finds nothing in a room that is ${what}`, found);
    };

    await open(`/panel/rooms/${room}/panel`);
    like(await state(), /free/i, `${how}: the room is free`);
    await axe("free");
    await page.getByRole("button").first().click();
    await page.locator(".owacal-busy > .owacal-state").waitFor();
    ok(true, `${how}: booked by one press`);
    await axe("taken");
    const before = await state();
    await page.locator("form:has([name=action][value=extend]) button").first().click();
    await page.locator(".owacal-state").filter({ hasNotText: before }).waitFor();
    ok(before !== await state(), `${how}: extended`);
    await page.locator("form:has([name=action][value=end]) button").first().click();
    await page.getByText("The meeting has ended.").waitFor(); // with the minute that has begun
    ok(before !== await state(), `${how}: ended`);
    await page.setViewportSize({ width: 320, height: 480 });
    ok(await overflow(page) <= 0, `${how}: a small display will do`);
    ok(wrong.length === 0, `${how}: nothing went wrong`, wrong);
    await context.close();
}

// ---- every page, in every look ----

async function looks(lang, looks) {
    const { page, wrong, open, context } = await person(browser, { locale: LOCALES[lang] });
    for (const name of PAGES) {
        await open(`/intranet/${name}`);
        is(await page.locator("html").getAttribute("lang"), lang, `${lang}: ${name} is in that language`);
        is(await page.locator("[lang]:not(html)").count(), 0, `${lang}: all of it`);
        for (const { width, height, colorScheme, axe = true } of looks) {
            const what = `${lang}: ${name} at ${width} pixels, ${colorScheme}`;
            await page.setViewportSize({ width, height });
            await page.emulateMedia({ colorScheme });
            const over = await overflow(page);
            ok(over <= 0, `${what}: nothing is wider than the window`, `${over} pixels`);
            const found = axe ? await axeFindings(page) : [];
            ok(found.length === 0, `${what}: axe finds nothing`, found);
        }
    }
    ok(wrong.length === 0, `${lang}: every page: no error, no request elsewhere, no breach of the policy`, wrong);
    await context.close();
}

const desk = { width: 1280, height: 900, colorScheme: "light" }, wall = { width: 1920, height: 1080, colorScheme: "dark", axe: false };
const small = { width: 320, height: 640 }, phone = { ...small, colorScheme: "dark" };
const everyLook = [phone, desk, wall], narrow = [{ ...desk, axe: false }, phone];

const steps = [["looks", () => looks("en", everyLook)], ["looks, German", () => looks("de", narrow)],
    ["looks, French", () => looks("fr", narrow)], ["looks, Hungarian", () => looks("hu", narrow)],
    ["script on", () => story("en", true, day(2))], ["script off", () => story("en", false, day(3))],
    ["keyboard, script on", () => byKeyboard(true, day(4))], ["keyboard, script off", () => byKeyboard(false, day(5))],
    ["the script", () => byScript(day(6))], ["the door, script on", () => atTheDoor(true, "boardroom")],
    ["the door, script off", () => atTheDoor(false, "library")],
    ["German", () => story("de", true, day(7), small)], ["Hungarian", () => story("hu", true, day(8), small)]];
for (const [name, step] of steps) {
    const began = Date.now();
    try {
        await step();
    } catch (error) {
        ok(false, `${name} came to its end`, error.stack);
    }
    comment(`${name}: ${Date.now() - began} ms`);
}
await browser.close();
end();
