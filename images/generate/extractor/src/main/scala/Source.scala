package pickleball.facts

import io.joern.pythonparser.{PyParser, TokenMgrError}
import io.joern.pythonparser.ast

import java.nio.ByteBuffer
import java.nio.charset.{CodingErrorAction, StandardCharsets}
import java.nio.file.{Files, Path}
import scala.collection.mutable.ArrayBuffer

/** The text of a module, parsed by Joern's parser.
  *
  * Joern 4.0.379 refuses a few constructs (`with (a / b).open() as f`, `with (a if c else b) as f`, `x[0, *i]`) and may
  * then lose the nesting of what follows. The refused logical line is replaced by `if 1:` or `pass` and the module is
  * parsed again, so that one line is lost, and named in `lost`, instead of a class.
  */
object Source {
  private val attempts = 20
  private val tab      = 8 // columns

  def read(path: Path): String = {
    val decoder = StandardCharsets.UTF_8.newDecoder
      .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE)
    val text = decoder.decode(ByteBuffer.wrap(Files.readAllBytes(path))).toString
      .stripPrefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\f", "") // pages of old sources
    if (text.contains('\t')) text.split("\n", -1).map(indented).mkString("\n") else text
  }

  /** A line indented by blanks as Python counts them: Joern's lexer loses the nesting of three tabs and more. */
  private def indented(line: String): String = {
    val (blanks, rest) = line.span(char => char == ' ' || char == '\t')
    " " * blanks.foldLeft(0)((column, char) => if (char == '\t') (column / tab + 1) * tab else column + 1) + rest
  }

  /** The tree, the lines that were given up, and the text that the tree stands for. */
  def parse(text: String): (ast.iast, Seq[Json], String) = {
    val lines = text.split("\n", -1)
    val lost  = ArrayBuffer.empty[Json]
    def attempt(left: Int): ast.iast = {
      val parser = new PyParser()
      // The lexer throws an Error at a character that no token begins with; the parser collects what it refuses.
      val (tree, refused): (Either[Error, ast.iast], Option[(Throwable, Int)]) =
        try {
          val tree = parser.parse(lines.mkString("\n"))
          (Right(tree), parser.errors.toSeq.sortBy(_.lineno).headOption.map(error => (error.exception, error.lineno - 1)))
        } catch { case error: TokenMgrError => (Left(error), Some((error, -1))) }
      val where = refused.filter(_ => left > 0).flatMap { case (error, line) =>
        logicalLine(lines, String.valueOf(error.getMessage) match {
          case s"$_ at line $line, column $_" => line.trim.toInt - 1
          case _                              => line
        })
      }
      where match {
        case None => tree.fold(error => throw error, identity)
        case Some((from, to)) =>
          val first = lines(from)
          val block = uncommented(lines(to)).trim.endsWith(":")
          lost += Json.obj("line" -> Json.Num(from + 1), "text" -> Json.Str(first.trim.take(100)))
          lines(from) = first.takeWhile(_.isWhitespace) + (if (block) "if 1:" else "pass")
          for (line <- from + 1 to to) lines(line) = ""
          attempt(left - 1)
      }
    }
    val tree = attempt(attempts)
    (tree, lost.toSeq, if (lost.isEmpty) text else lines.mkString("\n"))
  }

  private def uncommented(line: String): String = line.replaceAll("#.*$", "")

  private def balance(line: String): Int = {
    val code = uncommented(line)
    code.count("([{".contains(_)) - code.count(")]}".contains(_))
  }

  /** First and last line of the statement around a line, by its brackets. Strings are not looked into: a repair that goes
    * wrong leaves the parser's error in place, which is reported.
    */
  private def logicalLine(lines: Array[String], at: Int): Option[(Int, Int)] =
    Option.when(at >= 0 && at < lines.length) {
      var from = at
      var open = 0
      for (line <- at - 1 to math.max(0, at - 40) by -1) {
        open += balance(lines(line))
        if (open > 0) { from = line; open = 0 }
      }
      var to = from
      open = balance(lines(from))
      while ((open > 0 || lines(to).trim.endsWith("\\")) && to + 1 < lines.length && to - from < 60) {
        to += 1
        open += balance(lines(to))
      }
      if (to >= at) (from, to) else (at, at)
    }
}
