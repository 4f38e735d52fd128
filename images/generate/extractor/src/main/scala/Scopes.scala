package pickleball.facts

import io.joern.pythonparser.ast
import io.joern.pythonparser.ast.{iexpr, istmt}
import pickleball.facts.Json.{Arr, Num, Obj, Str, obj, strings}

import scala.collection.mutable.ArrayBuffer

/** The facts of one module: its scopes, nested as in the source. */
class Scopes(types: Option[Types]) {
  private val expressions = new Expressions(types)
  import expressions.{brief, dotted, recovered}

  /** Lines that the parser gave up inside a function or class. */
  val errors = ArrayBuffer.empty[Json]

  /** Every statement of a body, nested blocks included, the bodies of functions and classes not. */
  private def flat(body: Iterable[istmt]): Iterator[istmt] = body.iterator.flatMap { s =>
    Iterator(s) ++ (s match {
      case x: ast.If        => flat(x.body) ++ flat(x.orelse)
      case x: ast.For       => flat(x.body) ++ flat(x.orelse)
      case x: ast.AsyncFor  => flat(x.body) ++ flat(x.orelse)
      case x: ast.While     => flat(x.body) ++ flat(x.orelse)
      case x: ast.With      => flat(x.body)
      case x: ast.AsyncWith => flat(x.body)
      case x: ast.Try       => flat(x.body) ++ x.handlers.iterator.flatMap(h => flat(h.body)) ++ flat(x.orelse) ++ flat(x.finalbody)
      case x: ast.Match     => x.cases.iterator.flatMap(c => flat(c.body))
      case _                => Iterator.empty
    })
  }

  /** Every call that runs when a body runs: the bodies of functions and classes inside it are scopes of their own, what
    * stands in their decorators and defaults is not.
    */
  private def calls(node: Any): Iterator[ast.Call] = node match {
    case x: ast.FunctionDef      => calls(x.decorator_list) ++ calls(x.args.defaults) ++ calls(x.args.kw_defaults)
    case x: ast.AsyncFunctionDef => calls(x.decorator_list) ++ calls(x.args.defaults) ++ calls(x.args.kw_defaults)
    case x: ast.ClassDef         => calls(x.decorator_list) ++ calls(x.bases) ++ calls(x.keywords)
    case _: ast.AttributeProvider | _: String => Iterator.empty
    case x: ast.Call             => Iterator(x) ++ x.productIterator.flatMap(calls)
    case xs: Iterable[?]         => xs.iterator.flatMap(calls)
    case x: Product              => x.productIterator.flatMap(calls)
    case _                       => Iterator.empty
  }

  /** A call in a few bytes: its callee, and of its arguments only names and constants. */
  private def reach(call: ast.Call): Json = {
    def argument(e: iexpr): Json = brief(e) match {
      case name: Str                                                    => name
      case literal @ Obj(members) if members.exists((key, _) => key == "str" || key == "lit") => literal
      case _                                                            => obj("x" -> Str("expr"))
    }
    obj(
      "f"    -> brief(call.func),
      "args" -> Arr(call.args.take(6).map(argument)),
      "kw"   -> Obj(call.keywords.map(k => k.arg.getOrElse("**") -> argument(k.value)).toSeq),
      "line" -> Num(call.lineno)
    )
  }

  def scope(body: Iterable[istmt], full: String): Seq[(String, Json)] = {
    val imports, assigns, statements, returns, classes, functions, deletes = ArrayBuffer.empty[Json]
    val globals = ArrayBuffer.empty[String]

    def assign(target: iexpr, value: Option[iexpr], annotation: Option[iexpr], line: Int, how: String): Unit =
      (target, value) match {
        case (ts: ast.Tuple, Some(vs: ast.Tuple)) if ts.elts.size == vs.elts.size && how.isEmpty =>
          ts.elts.zip(vs.elts).foreach { case (t, v) => assign(t, Some(v), None, line, how) }
        case (ts: ast.Tuple, _) => unpack(ts.elts, value, line, how)
        case (ts: ast.List, _)  => unpack(ts.elts, value, line, how)
        case _ =>
          val found = types.flatMap(t => dotted(target).flatMap(name => t.names.get((target.lineno, target.col_offset, name))))
          assigns += obj((Seq("to" -> brief(target), "line" -> Num(line)) ++ value.map("v" -> brief(_)) ++
            annotation.map("ann" -> brief(_)) ++ Option.when(how.nonEmpty)("op" -> Str(how)) ++ Seq("ty" -> recovered(found)))*)
      }

    /** `op` is unpack (or for.unpack ...) and `at` the position, so that a reader can follow tuples through. */
    def unpack(targets: Iterable[iexpr], value: Option[iexpr], line: Int, how: String): Unit =
      targets.zipWithIndex.foreach {
        case (t: ast.Starred, _) => assign(t.value, value, None, line, (how + ".unpack").stripPrefix("."))
        case (t, at) =>
          val before = assigns.size
          assign(t, value, None, line, (how + ".unpack").stripPrefix("."))
          if (assigns.size == before + 1) assigns(before) = assigns(before) match {
            case Obj(members) => Obj(members :+ ("at" -> Num(at)))
            case other        => other
          }
      }

    flat(body).foreach {
      case s: ast.Import =>
        s.names.foreach(n => imports += obj((Seq("import" -> Str(n.name), "line" -> Num(s.lineno)) ++ n.asName.map(a => "as" -> Str(a)))*))
      case s: ast.ImportFrom =>
        s.names.foreach { n =>
          imports += obj((Seq("from" -> Str("." * s.level + s.module.getOrElse("")), "name" -> Str(n.name), "line" -> Num(s.lineno))
            ++ n.asName.map(a => "as" -> Str(a)))*)
        }
      case s: ast.Assign    => s.targets.foreach(assign(_, Some(s.value), None, s.lineno, ""))
      case s: ast.AnnAssign => assign(s.target, s.value, Some(s.annotation), s.lineno, "")
      case s: ast.AugAssign => assign(s.target, Some(s.value), None, s.lineno, "aug")
      case s: ast.For       => assign(s.target, Some(s.iter), None, s.lineno, "for")
      case s: ast.AsyncFor  => assign(s.target, Some(s.iter), None, s.lineno, "for")
      case s: ast.With      => s.items.foreach(i => i.optional_vars.foreach(assign(_, Some(i.context_expr), None, s.lineno, "with")))
      case s: ast.AsyncWith => s.items.foreach(i => i.optional_vars.foreach(assign(_, Some(i.context_expr), None, s.lineno, "with")))
      case s: ast.Return    => s.value.foreach(v => returns += obj("v" -> brief(v), "line" -> Num(s.lineno)))
      case s: ast.Expr =>
        s.value match {
          case c: ast.Call  => statements += obj("c" -> brief(c), "line" -> Num(c.lineno))
          case y: ast.Yield => returns += obj("v" -> brief(y), "line" -> Num(s.lineno))
          case _            =>
        }
      case s: ast.Global           => globals ++= s.names
      case s: ast.ClassDef         => classes += klass(s, full)
      case s: ast.FunctionDef      => functions += function(s.name, s.args, s.body, s.decorator_list, s.returns, s.lineno, full)
      case s: ast.AsyncFunctionDef => functions += function(s.name, s.args, s.body, s.decorator_list, s.returns, s.lineno, full)
      case s: ast.Delete           => s.targets.foreach(x => deletes += brief(x))
      case s: ast.ErrorStatement =>
        val why = String.valueOf(s.exception.getMessage).linesIterator.take(1).mkString.take(120)
        errors += obj("line" -> Num(s.lineno), "why" -> Str(why))
      case _ =>
    }
    Seq(
      "imports" -> Arr(imports), "assigns" -> Arr(assigns), "calls" -> Arr(statements), "returns" -> Arr(returns),
      "classes" -> Arr(classes), "functions" -> Arr(functions), "dels" -> Arr(deletes), "globals" -> strings(globals),
      "reach" -> Arr(calls(body).map(reach).toSeq)
    )
  }

  private def klass(c: ast.ClassDef, outer: String): Json = {
    val full = outer + "." + c.name
    val members = types.flatMap(_.members.get(full)).map(_.toSeq.map { case (name, found) => name -> recovered(Some(found)) })
    obj((Seq(
      "name"       -> Str(c.name),
      "line"       -> Num(c.lineno),
      "bases"      -> Arr(c.bases.map(brief(_))),
      "kw"         -> Obj(c.keywords.map(k => k.arg.getOrElse("**") -> brief(k.value)).toSeq),
      "decorators" -> Arr(c.decorator_list.map(brief(_))),
      "rbases"     -> strings(types.flatMap(_.bases.get(full)).getOrElse(Set.empty).toSeq.sorted),
      "members"    -> Obj(members.getOrElse(Nil))
    ) ++ scope(c.body, full))*)
  }

  private def function(name: String, a: ast.Arguments, body: Iterable[istmt], decorators: Iterable[iexpr], result: Option[iexpr],
      line: Int, outer: String): Json = {
    val full       = outer + "." + name
    val positional = a.posonlyargs ++ a.args
    val defaults   = Seq.fill(positional.size - a.defaults.size)(None) ++ a.defaults.map(Option(_))
    def parameter(x: ast.Arg, default: Option[iexpr], kind: String) =
      obj((Seq("n" -> Str(x.arg)) ++ x.annotation.map("ann" -> brief(_)) ++ default.map("d" -> brief(_)) ++
        Option.when(kind.nonEmpty)("k" -> Str(kind)))*)
    val parameters = positional.zip(defaults).map { case (x, d) => parameter(x, d, "") } ++
      a.vararg.map(parameter(_, None, "*")) ++
      a.kwonlyargs.zip(a.kw_defaults.padTo(a.kwonlyargs.size, None)).map { case (x, d) => parameter(x, d, "kw") } ++
      a.kw_arg.map(parameter(_, None, "**"))
    obj((Seq("name" -> Str(name), "line" -> Num(line), "params" -> Arr(parameters), "decorators" -> Arr(decorators.map(brief(_)))) ++
      result.map("rann" -> brief(_)) ++ Seq("rty" -> recovered(types.flatMap(_.returns.get(full)))) ++ scope(body, full))*)
  }
}
