package pickleball.facts

import io.joern.pythonparser.ast
import io.joern.pythonparser.ast.iexpr
import pickleball.facts.Json.{Arr, Num, Obj, Str, obj, strings}

/** Expressions in brief: a string is a dotted name, everything else an object named by its kind.
  *
  * docs/reference/facts.md lists the kinds.
  */
class Expressions(types: Option[Types]) {
  private val deepest      = 7  // deeper nesting is cut and says so
  private val longest      = 64 // elements of a literal that are kept; the rest is counted
  private val longestText  = 160
  private val manyTypes    = 16 // more recovered types than this are only counted: they say nothing

  def dotted(e: iexpr): Option[String] = e match {
    case name: ast.Name           => Some(name.id)
    case attribute: ast.Attribute => dotted(attribute.value).map(_ + "." + attribute.attr)
    case _                        => None
  }

  def recovered(found: Option[Set[String]]): Arr = found match {
    case Some(names) if names.size > manyTypes => Arr(Seq(Num(names.size)))
    case Some(names)                           => strings(names.toSeq.sorted)
    case None                                  => Arr(Nil)
  }

  private def place(call: ast.Call): (Int, Int, String) = (call.lineno, call.col_offset, call.func match {
    case name: ast.Name           => name.id
    case attribute: ast.Attribute => attribute.attr
    case _                        => ""
  })

  def brief(e: iexpr, depth: Int = 0): Json =
    if (depth > deepest) obj("x" -> Str("deep"))
    else {
      def inner(x: iexpr) = brief(x, depth + 1)
      def sequence(xs: collection.Seq[iexpr]) = {
        val kept = xs.take(longest).map(inner)
        Arr(if (xs.size > longest) kept :+ obj("x" -> Str("more"), "count" -> Num(xs.size - longest)) else kept)
      }
      e match {
        case x if dotted(x).isDefined => Str(dotted(x).get)
        case x: ast.Call =>
          obj(
            "call" -> inner(x.func),
            "args" -> sequence(x.args),
            "kw"   -> Obj(x.keywords.map(k => k.arg.getOrElse("**") -> inner(k.value)).toSeq),
            "to"   -> recovered(types.flatMap(_.calls.get(place(x)))),
            "ty"   -> recovered(types.flatMap(_.results.get(place(x))))
          )
        case x: ast.Attribute     => obj("attr" -> Str(x.attr), "of" -> inner(x.value))
        case x: ast.Subscript     => obj("sub" -> inner(x.value), "ix" -> inner(x.slice))
        case x: ast.Constant      => constant(x.value)
        case x: ast.StringExpList => if (x.elts.size == 1) inner(x.elts.head) else concatenated(x)
        case _: ast.JoinedString  => obj("lit" -> Str("str"))
        case x: ast.Tuple         => Obj(Seq("tuple" -> sequence(x.elts)))
        case x: ast.List          => Obj(Seq("list" -> sequence(x.elts)))
        case x: ast.Set           => Obj(Seq("set" -> sequence(x.elts)))
        case x: ast.Dict =>
          val pairs = x.keys.zip(x.values).take(longest).map { case (k, v) => Arr(Seq(k.map(inner).getOrElse(Str("**")), inner(v))) }
          Obj(Seq("dict" -> Arr(pairs)) ++ Option.when(x.keys.size > longest)("more" -> Num(x.keys.size - longest)))
        case x: ast.ListComp     => obj("listof" -> inner(x.elt), "in" -> generators(x.generators, depth))
        case x: ast.SetComp      => obj("setof" -> inner(x.elt), "in" -> generators(x.generators, depth))
        case x: ast.GeneratorExp => obj("genof" -> inner(x.elt), "in" -> generators(x.generators, depth))
        case x: ast.DictComp     => obj("dictof" -> Arr(Seq(inner(x.key), inner(x.value))), "in" -> generators(x.generators, depth))
        case x: ast.IfExp        => obj("or" -> Arr(Seq(inner(x.body), inner(x.orelse))))
        case x: ast.BoolOp       => obj("or" -> Arr(x.values.map(inner)))
        case x: ast.BinOp =>
          obj("bin" -> Str(x.op.getClass.getSimpleName.stripSuffix("$")), "of" -> Arr(Seq(inner(x.left), inner(x.right))))
        case x: ast.UnaryOp   => obj("un" -> inner(x.operand))
        case _: ast.Compare   => obj("lit" -> Str("bool"))
        case x: ast.Lambda    => obj("lambda" -> inner(x.body))
        case x: ast.NamedExpr => obj("walrus" -> inner(x.target), "v" -> inner(x.value))
        case x: ast.Await     => obj("await" -> inner(x.value))
        case x: ast.Starred   => obj("star" -> inner(x.value))
        case x: ast.Yield     => obj("yield" -> Arr(x.value.map(inner)))
        case x: ast.YieldFrom => obj("yield" -> Arr(Seq(inner(x.value))))
        case x: ast.Slice     => obj("x" -> Str("Slice"))
        case other            => obj("x" -> Str(other.getClass.getSimpleName))
      }
    }

  private def generators(found: Iterable[ast.Comprehension], depth: Int): Arr =
    Arr(found.map(g => obj("for" -> brief(g.target, depth + 1), "of" -> brief(g.iter, depth + 1))))

  private def concatenated(parts: ast.StringExpList): Json = {
    val texts = parts.elts.map {
      case c: ast.Constant => c.value match {
          case s: ast.StringConstant if !s.prefix.toLowerCase.contains("b") => Some(s.value)
          case _                                                           => None
        }
      case _ => None
    }
    if (texts.forall(_.isDefined)) obj("str" -> Str(texts.flatten.mkString.take(longestText))) else obj("lit" -> Str("str"))
  }

  private def constant(c: ast.iconstant): Json = c match {
    case s: ast.StringConstant =>
      if (s.prefix.toLowerCase.contains("b")) obj("lit" -> Str("bytes")) else obj("str" -> Str(s.value.take(longestText)))
    case _: ast.JoinedStringConstant => obj("lit" -> Str("str"))
    case _: ast.BoolConstant         => obj("lit" -> Str("bool"))
    case i: ast.IntConstant          => obj("lit" -> Str("int"), "v" -> Str(i.value.take(24)))
    case _: ast.FloatConstant        => obj("lit" -> Str("float"))
    case ast.NoneConstant            => obj("lit" -> Str("None"))
    case other => obj("lit" -> Str(other.getClass.getSimpleName.stripSuffix("$").stripSuffix("Constant")))
  }
}
