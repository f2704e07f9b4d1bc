// Pictures of the shipped pages, into OWACAL_TO: phone, desk, wall, light, dark, paper; see `screenshots`.
import { launch, person } from "./world.mjs";

const to = process.env.OWACAL_TO, date = process.env.OWACAL_DAY, later = process.env.OWACAL_LATER;
const browser = await launch();

async function take(name, path, options = {}, act = async () => {}) {
    const { width = 1280, height = 800, colorScheme = "light", media = "screen", full = true } = options;
    const { page, context, wrong } = await person(browser, { viewport: { width, height }, colorScheme });
    await page.goto(new URL(path, process.env.OWACAL_URL).href);
    await act(page);
    await page.emulateMedia({ colorScheme, media });
    await page.screenshot({ path: `${to}/${name}.png`, fullPage: full });
    console.log(`${to}/${name}.png`);
    wrong.forEach((what) => console.log(`  ${what}`));
    await context.close();
}

async function clash(page) {
    await page.locator("[name=subject]").fill("Weekly");
    await page.locator("[name=required]").fill("bob@example.test");
    await page.getByRole("button", { name: "Book", exact: true }).first().click();
    await page.locator(".owacal-error").first().waitFor();
}

async function draw(page) {
    await page.locator("td.free a[aria-label*='Board room from']").last().focus();
    for (const key of ["Shift+ArrowLeft"]) {
        await page.keyboard.press(key);
    }
}

const today = `/intranet/index.html?owacal-day=${date}`;
// The next day has nothing that is over, whenever the pictures are taken.
const taken = `/intranet/book.html?owacal-day=${later}&owacal-room=boardroom&owacal-start=${later}T10:30&owacal-end=${later}T11:00`;
const phone = { width: 320, height: 640 };
await take("today", today);
await take("today-dark", today, { colorScheme: "dark" }, draw);
await take("today-phone", today, phone);
await take("today-wall", today, { width: 1920, height: 1080, colorScheme: "dark" });
await take("today-print", today, { width: 794, height: 1123, media: "print" });
await take("room", "/intranet/room.html");
await take("book", taken);
await take("book-taken", taken, { colorScheme: "dark" }, clash);
await take("book-taken-phone", taken, { ...phone, colorScheme: "dark" }, clash);
await take("book-print", taken, { width: 794, height: 1123, media: "print" });
await take("door", "/intranet/panel.html", { width: 1024, height: 600, full: false });
await take("check", "/intranet/check.html");
await take("check-phone", "/intranet/check.html", { ...phone, colorScheme: "dark" });
await take("change", today, {}, async (page) => {
    await page.locator("[data-owacal=mine] a", { hasText: "Budget" }).click();
    await page.locator("form:has([name=subject])").waitFor();
});
await browser.close();
