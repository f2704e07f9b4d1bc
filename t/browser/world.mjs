// What the browser programs have in common: the browser, its people, what must never happen on any page,
// and TAP. OWACAL_URL is the site, OWACAL_MODULES the folder with node_modules, OWACAL_PROFILE an empty one.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.env.OWACAL_MODULES}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const site = process.env.OWACAL_URL;
export const PAGES = ["index.html", "room.html", "book.html", "panel.html", "check.html"];
export const LOCALES = { en: "en-GB", de: "de-DE", fr: "fr-FR", hu: "hu-HU" }; // a browser of each asks for it, and for nothing else
const WAIT = 60_000; // ms; the machine may be ten times slower than the one this was written on

// ---- TAP ----

let count = 0, failed = 0;

export function ok(good, what, said) {
    count++;
    process.stdout.write(`${good ? "ok" : "not ok"} ${count} - ${what.replaceAll("#", "")}\n`);
    if (!good) {
        failed++;
        if (said !== undefined) {
            const text = typeof said === "string" ? said : JSON.stringify(said, null, 1);
            process.stdout.write(text.slice(0, 3000).replaceAll(/^/gm, "# ") + "\n");
        }
    }
    return good;
}

export const is = (got, want, what) => ok(got === want, what, `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
export const like = (got, want, what) => ok(want.test(got ?? ""), what, `${JSON.stringify(got)} is not like ${want}`);
export const comment = (text) => process.stdout.write(`# ${text}\n`);

// ---- the browser ----

export async function launch() {
    return chromium.launch({
        executablePath: process.env.OWACAL_CHROMIUM,
        headless: false, // says --headless itself: the new one, which is the browser people have
        args: ["--headless=new", ...(process.getuid() === 0 ? ["--no-sandbox"] : []), "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--lang=en-GB"],
        timeout: WAIT,
    });
}

// A person at a window. Whatever goes wrong on any page he sees is in `wrong`.
export async function person(browser, options = {}) {
    const { user = "alice", ...rest } = options;
    const context = await browser.newContext({
        locale: "en-GB", timezoneId: "Europe/Budapest", viewport: { width: 1280, height: 900 },
        httpCredentials: { username: user, password: `pw-${user}`, send: "always", origin: site }, ...rest,
    });
    context.setDefaultTimeout(WAIT);
    const page = await context.newPage();
    const wrong = [];
    page.on("console", (m) => {
        // Chromium tells of every 4xx it was sent; that is the answer, not a fault of the page.
        if (["error", "warning"].includes(m.type()) && !/^Failed to load resource: .*\b(409|422)\b/.test(m.text())) {
            wrong.push(`console: ${m.text()} (${page.url()})`);
        }
    });
    page.on("pageerror", (e) => wrong.push(`script: ${e.message}`));
    page.on("request", (r) => {
        if (new URL(r.url()).origin !== site) {
            wrong.push(`request to ${r.url()}`);
        }
    });
    page.on("response", (r) => {
        const policy = r.headers()["content-security-policy"] ?? "";
        if (/text\/html/.test(r.headers()["content-type"] ?? "") && !/^default-src 'none'/.test(policy)) {
            wrong.push(`no policy: ${r.url()}: ${policy}`);
        }
        if (r.status() >= 500 || r.status() === 404 || r.status() === 401) {
            wrong.push(`${r.status()} ${r.url()}`);
        }
    });
    return { context, page, wrong, open: (path) => page.goto(`${site}${path}`) };
}

// What axe-core finds wrong with what is shown now. Needs scripts: the page's own are not what is looked at.
export async function axeFindings(page) {
    await page.evaluate(axe);
    const result = await page.evaluate(() => window.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    return result.violations.map((v) => ({ id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200)),
        why: v.nodes[0]?.failureSummary?.slice(0, 300) }));
}

// How many pixels the page is wider than the window.
export async function overflow(page) {
    await page.waitForLoadState("load"); // a form may be there before its style sheet
    return page.evaluate(() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth);
}

// "2026-03-05" that many days from now.
export const day = (n) => new Date(Date.now() + n * 86_400_000).toISOString().slice(0, 10);

export function end() {
    process.stdout.write(`1..${count}\n`);
    process.exitCode = failed ? 1 : 0;
}
