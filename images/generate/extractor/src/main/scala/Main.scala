package pickleball.facts

import io.joern.pythonparser.ast
import pickleball.facts.Json.{Arr, Num, Obj, Str, obj, strings}

import java.io.{BufferedOutputStream, FileOutputStream, PrintStream}
import java.net.URLDecoder
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path, Paths, StandardCopyOption}
import java.util.zip.{ZipEntry, ZipOutputStream}
import scala.collection.mutable.ArrayBuffer
import scala.jdk.CollectionConverters.*

/** Extracts facts, one package a request, until its input ends.
  *
  * A request is a line of percent-encoded fields separated by blanks: `ast|cpg ROOT OUT LIST HEADER`. ROOT is a folder
  * (with `cpg` a copy, which is changed), LIST a file that names the modules below it (NUL-separated), HEADER is stored as it is. The answer is a line of JSON
  * that begins with `@`. OUT is a zip archive: `package.json` (the header), `MODULE.py.json` for each module,
  * `index.json` (classes and bases by module) and `extraction.json`, written last.
  */
object Main {
  private val batch = 64

  def main(args: Array[String]): Unit = {
    val answers = System.out
    System.setOut(new PrintStream(System.err, true, UTF_8)) // a library that prints must not break the protocol
    def answer(json: Json): Unit = { answers.println("@" + json.text); answers.flush() }
    scala.io.Source.fromInputStream(System.in, "UTF-8").getLines().foreach { line =>
      try {
        val Array(kind, root, out, list, header) = line.split(' ').map(URLDecoder.decode(_, UTF_8)): @unchecked
        answer(extract(kind == "cpg", Paths.get(root), Paths.get(out), Paths.get(list), header,
          (done, all) => answer(obj("done" -> Num(done), "of" -> Num(all)))))
      } catch {
        case error: Exception => answer(obj("error" -> Str(error.toString)))
      }
    }
  }

  private def extract(recover: Boolean, root: Path, out: Path, list: Path, header: String, progress: (Long, Long) => Unit): Json = {
    val start = System.nanoTime
    val files = new String(Files.readAllBytes(list), UTF_8).split('\u0000').filter(_.nonEmpty).toSeq
    val repaired = if (recover) files.map(name => name -> repair(root.resolve(name))).toMap else Map.empty
    val (types, failed) = if (recover) Types.recover(root.toString) else (Map.empty[String, Types], Nil)
    val broken          = ArrayBuffer.empty[String]
    val index           = ArrayBuffer.empty[(String, Json)]
    val partial         = out.resolveSibling(out.getFileName.toString + ".partial")
    val zip             = new ZipOutputStream(new BufferedOutputStream(new FileOutputStream(partial.toFile), 1 << 16))
    zip.setLevel(1)
    def member(name: String, text: String): Unit = {
      val entry = new ZipEntry(name)
      entry.setTime(315532800000L) // 1980: the same facts give the same bytes
      zip.putNextEntry(entry); zip.write(text.getBytes(UTF_8)); zip.closeEntry()
    }
    val summary =
      try {
        member("package.json", header)
        var done = 0
        files.grouped(batch).foreach { group =>
          val texts = java.util.Arrays.asList(group*).parallelStream().map[Module](module(root, _, types, repaired)).toList
          texts.asScala.foreach { read =>
            member(read.name + ".json", read.facts)
            if (read.classes.nonEmpty) index += read.name -> Arr(read.classes)
            if (!read.whole) broken += read.name
          }
          done += group.size
          progress(done, files.size)
        }
        member("index.json", Obj(index.toSeq).text)
        val found = obj("files" -> Num(files.size), "broken" -> strings(broken), "failed" -> strings(failed),
          "milliseconds" -> Num((System.nanoTime - start) / 1000000))
        member("extraction.json", obj("files" -> Num(files.size), "broken" -> strings(broken), "failed" -> strings(failed)).text)
        found
      } finally zip.close()
    Files.move(partial, out, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING)
    summary
  }

  /** Gives the graph's own parser the text without the lines that it refuses: ROOT is a copy when types are recovered. */
  private def repair(file: Path): Seq[Json] = {
    val (_, lost, text) = Source.parse(Source.read(file))
    if (lost.nonEmpty) Files.write(file, text.getBytes(UTF_8))
    lost
  }

  /** Facts of one module, its classes in brief, and whether all of it was read. */
  private case class Module(name: String, facts: String, classes: Seq[Json], whole: Boolean)

  private def module(root: Path, name: String, types: Map[String, Types], repaired: Map[String, Seq[Json]]): Module = {
    def failure(why: String) =
      Module(name, obj("file" -> Str(name), "errors" -> Arr(Seq(obj("line" -> Num(0), "why" -> Str(why.take(200)))))).text, Nil, false)
    try Source.parse(Source.read(root.resolve(name))) match {
      case (tree: ast.Module, found, _) =>
        val lost   = repaired.getOrElse(name, Nil) ++ found
        val scopes = new Scopes(types.get(name))
        val body   = scopes.scope(tree.stmts, name + ":<module>")
        val facts  = obj((Seq("file" -> Str(name)) ++ body ++ Seq("lost" -> Arr(lost), "errors" -> Arr(scopes.errors)))*)
        Module(name, facts.text, scopes.index.toSeq, lost.isEmpty && scopes.errors.isEmpty)
      case (other, _, _) => failure("not a module: " + other.getClass.getName)
    } catch {
      case error: Exception          => failure(error.toString)
      case error: StackOverflowError => failure("nested too deeply for the parser")
    }
  }
}
