package pickleball.facts

import io.joern.pythonparser.ast
import pickleball.facts.Json.{Arr, Num, Obj, Str, obj, strings}

import java.io.{BufferedOutputStream, ByteArrayOutputStream, FileDescriptor, FileOutputStream, PrintStream}
import java.net.URLDecoder
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path, Paths}
import java.util.zip.{Deflater, DeflaterOutputStream}
import scala.util.control.NonFatal

/** Extracts facts, some modules a request, until its input ends.
  *
  * A request is a line of percent-encoded fields separated by blanks: `ast|cpg ROOT FILE...`. ROOT is a folder (with
  * `cpg` a copy, which is changed), each FILE a module below it. Answers are lines of JSON that begin with `@`:
  *
  *   - `{"schema": N}`, the first line of all: the version of the facts
  *   - `{"file": FILE, "bytes": N}` and N bytes, the facts of the module as zlib-compressed JSON; in any order
  *   - `{"step": NAME, "done": I, "of": N}` while types are recovered
  *   - `{"read": N, "failed": [...]}` or `{"error": WHY}`, last
  */
object Main {
  private val schema  = 3
  private val answers = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16)

  def main(args: Array[String]): Unit = {
    System.setOut(new PrintStream(System.err, true, UTF_8)) // a library that prints must not break the protocol
    answer(obj("schema" -> Num(schema)))
    scala.io.Source.fromInputStream(System.in, "UTF-8").getLines().foreach { line =>
      try {
        val kind +: root +: files = line.split(' ').toSeq.map(URLDecoder.decode(_, UTF_8)): @unchecked
        answer(extract(kind == "cpg", Paths.get(root), files))
      } catch {
        case NonFatal(error)       => answer(obj("error" -> Str(error.toString)))
        case _: StackOverflowError => answer(obj("error" -> Str("nested too deeply for Joern")))
      }
    }
  }

  private def answer(json: Json, content: Array[Byte] = Array.emptyByteArray): Unit = answers.synchronized {
    answers.write(("@" + json.text + "\n").getBytes(UTF_8))
    answers.write(content)
    answers.flush()
  }

  private def extract(recover: Boolean, root: Path, files: Seq[String]): Json = {
    val repaired = if (recover) files.map(name => name -> repair(root.resolve(name))).toMap else Map.empty
    val (types, failed) =
      if (!recover) (Map.empty[String, Types], Nil)
      else Types.recover(root.toString, (step, done, all) => answer(obj("step" -> Str(step), "done" -> Num(done), "of" -> Num(all))))
    java.util.Arrays.asList(files*).parallelStream().forEach { name =>
      val content = compressed(module(root, name, types, repaired).text)
      answer(obj("file" -> Str(name), "bytes" -> Num(content.length)), content)
    }
    obj("read" -> Num(files.size), "failed" -> strings(failed))
  }

  private def compressed(text: String): Array[Byte] = {
    val out      = new ByteArrayOutputStream
    val deflater = new Deflater(Deflater.BEST_SPEED)
    try {
      val stream = new DeflaterOutputStream(out, deflater)
      stream.write(text.getBytes(UTF_8))
      stream.close()
    } finally deflater.end()
    out.toByteArray
  }

  /** Gives the graph's own parser the text without the lines that it refuses: ROOT is a copy when types are recovered. */
  private def repair(file: Path): Seq[Json] =
    try {
      val (_, lost, text) = Source.parse(Source.read(file))
      if (lost.nonEmpty) Files.write(file, text.getBytes(UTF_8))
      lost
    } catch { case NonFatal(_) | _: StackOverflowError => Files.write(file, Array.emptyByteArray); Nil }

  private def module(root: Path, name: String, types: Map[String, Types], repaired: Map[String, Seq[Json]]): Json = {
    def failure(why: String) = obj("errors" -> Arr(Seq(obj("line" -> Num(0), "why" -> Str(why.take(200))))))
    try Source.parse(Source.read(root.resolve(name))) match {
      case (tree: ast.Module, found, _) =>
        val lost   = repaired.getOrElse(name, Nil) ++ found
        val scopes = new Scopes(types.get(name))
        val body   = scopes.scope(tree.stmts, name + ":<module>")
        obj((body ++ Seq("lost" -> Arr(lost), "errors" -> Arr(scopes.errors)))*)
      case (other, _, _) => failure("not a module: " + other.getClass.getName)
    } catch {
      case NonFatal(error)       => failure(error.toString)
      case _: StackOverflowError => failure("nested too deeply for the parser")
    }
  }
}
