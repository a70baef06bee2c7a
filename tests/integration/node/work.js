// A function's work with mysql2, as driver and as pool; prints one line of JSON. Arguments: port.
"use strict";
const mysql = require(process.env.SLUSE_NODE_DIR + "/node_modules/mysql2/promise");
const { Readable } = require("stream");

const options = { host: "127.0.0.1", port: Number(process.argv[2]), user: "app", password: "app", database: "app" };

async function main() {
  const out = {};
  const c = await mysql.createConnection({ ...options, multipleStatements: true });
  await c.query("CREATE OR REPLACE TABLE n (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(50), d DATETIME(3), j JSON, b BLOB) CHARSET utf8mb4");
  const [inserted] = await c.execute("INSERT INTO n (v, d, j, b) VALUES (?, ?, ?, ?)",
    ["ä😀", new Date(0), JSON.stringify({ a: 1 }), Buffer.from([0, 255, 254])]);
  out.insertId = inserted.insertId;
  const [rows] = await c.execute("SELECT id, v, b FROM n WHERE id = ?", [inserted.insertId]);
  out.row = [rows[0].v, rows[0].b.toString("hex")];
  for (let i = 0; i < 20; i++) await c.execute("SELECT ? + ?", [i, 1]);
  const [multi] = await c.query("SELECT 1 AS a; SELECT 2 AS b; DO 1");
  out.multi = [multi[0][0].a, multi[1][0].b];
  await c.query("CREATE OR REPLACE PROCEDURE np() BEGIN SELECT 1 AS x; SELECT 2 AS y; END");
  const [called] = await c.query("CALL np()");
  out.call = [called[0][0].x, called[1][0].y];
  await c.beginTransaction();
  await c.query("INSERT INTO n (v) VALUES ('rolled back')");
  await c.rollback();
  out.count = (await c.query("SELECT COUNT(*) AS n FROM n"))[0][0].n;
  try { await c.query("SELECT nosuch"); } catch (e) { out.error = [e.errno, e.sqlState]; }
  const [big] = await c.query("SELECT REPEAT('x', 5000000) AS big");
  out.big = big[0].big.length;
  const [loaded] = await c.query({ sql: "LOAD DATA LOCAL INFILE 'x' INTO TABLE n (id, v)",
    infileStreamFactory: () => Readable.from([Buffer.from("100\tone\n101\ttwo\n")]) });
  out.loaded = loaded.affectedRows;
  let streamed = 0;
  await new Promise((resolve, reject) => c.connection.query("SELECT seq FROM seq_1_to_5000").stream()
    .on("data", () => streamed++).on("end", resolve).on("error", reject));
  out.streamed = streamed;
  await c.changeUser({ user: "svc", password: "svc", database: "other" });
  out.changed = Object.values((await c.query("SELECT DATABASE()"))[0][0])[0];
  await c.ping();
  // A cancel: KILL QUERY of threadId by a second connection
  const killer = await mysql.createConnection(options);
  const victim = await mysql.createConnection(options);
  const sleeping = victim.query("SELECT COUNT(*) FROM information_schema.columns a, information_schema.columns b, information_schema.columns c")
    .then(() => "finished", e => e.errno);
  for (;;) {
    await new Promise(r => setTimeout(r, 20));
    await killer.query(`KILL QUERY ${victim.threadId}`);
    const now = await Promise.race([sleeping, new Promise(r => setTimeout(() => r(null), 50))]);
    if (now !== null) { out.killed = now; break; }
  }
  out.threadId = victim.threadId >= 0x80000000;
  await Promise.all([c.end(), killer.end(), victim.end()]);
  // Many at once over a pool of their own
  const pool = mysql.createPool({ ...options, connectionLimit: 4 });
  const sums = await Promise.all([...Array(300).keys()].map(async i => (await pool.execute("SELECT ? + 0 AS s", [i]))[0][0].s));
  out.sum = sums.reduce((a, b) => a + Number(b), 0);
  await pool.end();
  console.log(JSON.stringify(out));
}

main().catch(e => { console.error(e); process.exit(1); });
