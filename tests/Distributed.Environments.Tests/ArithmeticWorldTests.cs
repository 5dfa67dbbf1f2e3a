using System.Globalization;

using Distributed.Environments.Arithmetic;
using Distributed.Environments.Tools;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

public class ArithmeticWorldTests
{
    private static readonly ArithmeticEnvironment World = new(new ArithmeticOptions());

    private static StepResult Step(IEpisode episode, string action) => episode.Step(action, CancellationToken.None);

    [Theory]
    [InlineData(Split.Train)]
    [InlineData(Split.HeldOut)]
    public void A_problem_is_made_of_its_splits_numbers_and_answered_by_its_steps(Split split)
    {
        var problems = new WordProblems(1);
        var kinds = new int[5];
        for (var i = 0; i < 500; i++)
        {
            var problem = problems.Get(split, i, [1, 1, 1, 1]);
            WordProblems.SplitOf(problem.Start).ShouldBe(split);
            WordProblems.SplitOf(problem.Person, problem.Thing).ShouldBe(split);
            long value = problem.Start;
            foreach (var step in problem.Steps)
            {
                WordProblems.SplitOf(step.Number).ShouldBe(split);
                var result = step.Kind switch
                {
                    OperationKind.Add => value + step.Number,
                    OperationKind.Subtract => value - step.Number,
                    OperationKind.Multiply => value * step.Number,
                    OperationKind.Divide => value / step.Number,
                    _ => value % step.Number,
                };
                step.Apply(value).ShouldBe(result);
                value = result;
                value.ShouldBeInRange(10, 999_999);
                kinds[(int)step.Kind]++;
            }

            problem.Answer.ShouldBe(value);
        }

        kinds.ShouldAllBe(count => count > 50);
    }

    [Fact]
    public void A_fifth_of_numbers_and_pairs_is_held_out()
    {
        Enumerable.Range(10, 9990).Count(number => WordProblems.SplitOf(number) == Split.HeldOut).ShouldBeInRange(1850, 2150);
        Enumerable.Range(10, 90).Count(number => WordProblems.SplitOf(number) == Split.HeldOut).ShouldBeInRange(8, 30);
        Enumerable.Range(0, 64 * 32).Count(pair => WordProblems.SplitOf(pair / 32, pair % 32) == Split.HeldOut).ShouldBeInRange(330, 490);
    }

    [Fact]
    public void The_mix_says_how_many_operations_problems_have()
    {
        var world = new ArithmeticEnvironment(new Dictionary<string, string> { ["train_mix"] = "0/1/0", ["held_out_mix"] = "1/0/3" });
        Enumerable.Range(0, 50).ShouldAllBe(i => world.GetProblem(Split.Train, i).Category == "2 operations");
        var categories = Enumerable.Range(0, 400).CountBy(i => world.GetProblem(Split.HeldOut, i).Category).ToDictionary();
        categories.Keys.ShouldBe(["1 operation", "3 operations"], ignoreOrder: true);
        categories["3 operations"].ShouldBeInRange(260, 340);
        world.Format.MaxTurns.ShouldBe(4);
    }

    [Fact]
    public void Every_word_of_problems_programs_and_replies_is_a_token_of_its_own()
    {
        var vocabulary = ArithmeticVocabulary.Words;
        vocabulary.Distinct().Count().ShouldBe(vocabulary.Length);
        (vocabulary.Length % 32).ShouldBe(0);
        vocabulary.Take(4).ShouldBe(["<pad>", "<s>", "</s>", "<unk>"]);
        var words = vocabulary.ToHashSet();
        for (var i = 0; i < 300; i++)
        {
            World.GetProblem(Split.Train, i).Prompt.Split(' ').ShouldBeSubsetOf(words);
            foreach (var kind in World.Kinds)
                string.Concat(World.GetDemonstration(kind, i).Pieces.Select(piece => piece.Text)).Split(' ').ShouldBeSubsetOf(words);
        }

        using var calculator = new Calculator();
        foreach (var program in (string[])["1 // 0", "1 1", "((", "a", new string('-', 99) + "1", new string('9', 50), new string('1', 2000), "x = 1"])
            DigitNotation.Spread(calculator.Run(program, CancellationToken.None).Text).Split(' ').ShouldBeSubsetOf(words);
    }

    [Fact]
    public void Taking_the_operations_in_order_solves_every_problem()
    {
        var problems = new WordProblems(1);
        for (var i = 0; i < 200; i++)
        {
            var problem = problems.Get(Split.HeldOut, i, [1, 1, 1, 1]);
            using var episode = World.Start(World.GetProblem(Split.HeldOut, i));
            var value = DigitNotation.Of(problem.Start);
            foreach (var step in problem.Steps)
            {
                var reply = Step(episode, $"<code> {value} {step.Sign} {DigitNotation.Of(step.Number)} </code>").ShouldBeOfType<StepResult.Observation>();
                reply.ToolError.ShouldBeFalse();
                reply.Text.ShouldStartWith("<result> ");
                value = reply.Text["<result> ".Length..^" </result>".Length];
            }

            Step(episode, $"<answer> {value} </answer>").ShouldBe(new StepResult.Finished(Outcome.Correct, 1));
        }
    }

    [Fact]
    public void Every_end_of_an_episode_is_told_apart()
    {
        var problem = World.GetProblem(Split.Train, 0);
        Step(World.Start(problem), "<answer> 1 2 3 </answer>").ShouldBe(new StepResult.Finished(Outcome.Wrong, 0));
        Step(World.Start(problem), "<search> 1 </search>").ShouldBe(new StepResult.Finished(Outcome.Malformed, -1));
        Step(World.Start(problem), "<code> </code>").ShouldBe(new StepResult.Finished(Outcome.Malformed, -1));
        Step(World.Start(problem), "<think> so </think> <code> 1 + <answer> </code>").ShouldBe(new StepResult.Finished(Outcome.Malformed, -1));
        var failed = Step(World.Start(problem), "<think> so </think> <code> 1 // 0 </code>");
        failed.ShouldBe(new StepResult.Observation("<result> error division by zero </result>", ToolError: true));
        var episode = World.Start(problem);
        for (var turn = 1; turn < World.Format.MaxTurns; turn++)
            Step(episode, "<code> 1 </code>").ShouldBe(new StepResult.Observation("<result> 1 </result>"));
        Step(episode, "<code> 1 </code>").ShouldBe(new StepResult.Finished(Outcome.TurnsExhausted, -1));
    }

    [Theory]
    [InlineData("<think> so </think> <code> 4 3 * 1 2 </code>", "43 * 12")]
    [InlineData("<code>\nx = 3\nx * 4 </code>", "x = 3\nx * 4")]
    [InlineData("<answer> 3 </answer>", null)]
    [InlineData("<code> 3", null)]
    public void A_turns_program_can_be_read_from_its_text(string turn, string? program) => CodeFormat.ProgramOf(turn).ShouldBe(program);

    [Theory]
    [InlineData("120876", "1 2 0 8 7 6", true)]
    [InlineData("1 2 0 8 7 6", "120876", true)]
    [InlineData("120,876.0", "120876", true)]
    [InlineData("- 5", "-5", true)]
    [InlineData("5", "-5", false)]
    [InlineData("12", "1.2", false)]
    [InlineData("1 2 0 8 7", "1 2 0 8 7 6", false)]
    [InlineData("The Blue Boat", "blue boat", true)]
    [InlineData("many", "12", false)]
    public void Answers_are_compared_as_numbers(string answer, string golden, bool right) =>
        NumberAnswer.Judge(answer, [golden]).ShouldBe(right ? new StepResult.Finished(Outcome.Correct, 1) : new StepResult.Finished(Outcome.Wrong, 0));

    [Theory]
    [InlineData("120876", "1 2 0 8 7 6")]
    [InlineData("-51", "- 5 1")]
    [InlineData("12\n 7", "1 2 7")]
    [InlineData("x1 = 20", "x 1 = 2 0")]
    [InlineData("error syntax", "error syntax")]
    public void Digits_are_written_apart(string text, string spread) => DigitNotation.Spread(text).ShouldBe(spread);

    [Theory]
    [InlineData("4 3 1 7 * 2 8", "4317 * 28")]
    [InlineData("x = 1 2 ; x", "x = 12 ; x")]
    [InlineData("1\n2", "1\n2")]
    [InlineData(" 1  2 ", " 12 ")]
    public void Digits_are_read_together(string text, string joined) => DigitNotation.Join(text).ShouldBe(joined);

    [Fact]
    public void One_step_demonstrations_are_right()
    {
        for (var i = 0; i < 100; i++)
        {
            var text = string.Concat(World.GetDemonstration("one-step", i).Pieces.Select(piece => piece.Text));
            var program = DigitNotation.Join(text.Split("<code> ")[1].Split(" </code>")[0]);
            using var calculator = new Calculator();
            var value = calculator.Run(program, CancellationToken.None).Text;
            text.ShouldEndWith($"</code> <result> {DigitNotation.Spread(value)} </result> <answer> {DigitNotation.Spread(value)} </answer>");
            text.Split("<question>")[1].Split("</question>")[0].Count(c => c == '.').ShouldBe(2);
        }
    }

    [Fact]
    public void Worksheets_try_the_problems_operations_on_numbers_that_came_up()
    {
        int asOperations = 0, right = 0, three = 0;
        using var calculator = new Calculator();
        for (var i = 0; i < 1000; i++)
        {
            var text = string.Concat(World.GetDemonstration("worksheet", i).Pieces.Select(piece => piece.Text));
            var operations = text.Split("</question>")[0].Count(c => c == '.') - 1;
            var programs = text.Split("<code> ").Skip(1).Select(part => DigitNotation.Join(part.Split(" </code>")[0])).ToArray();
            var replies = text.Split("<result> ").Skip(1).Select(part => DigitNotation.Join(part.Split(" </result>")[0])).ToArray();
            programs.Length.ShouldBeInRange(1, 4);
            asOperations += programs.Length == operations ? 1 : 0;
            HashSet<string> seen = [text.Split(" has ")[1].Split(' ').TakeWhile(word => char.IsAsciiDigit(word[0])).Aggregate((a, b) => a + b)];
            for (var p = 0; p < programs.Length; p++)
            {
                calculator.Run(programs[p], CancellationToken.None).Text.Replace("- ", "-", StringComparison.Ordinal)
                    .ShouldBe(replies[p].Replace("- ", "-", StringComparison.Ordinal));
                var sign = programs[p].LastIndexOfAny(['+', '-', '*', '/', '%']);
                seen.ShouldContain(programs[p][..sign].TrimEnd('/', ' '));
                seen.Add(replies[p]);
            }

            text.ShouldEndWith($"<answer> {DigitNotation.Spread(replies[^1])} </answer>");
            if (operations != 3)
                continue;
            three++;
            var problem = new WordProblems(StableHash.Of(1, 5)).Get(Split.Train, (i * 2) + 1, [1, 1, 1, 1]);
            right += replies[^1] == problem.Answer.ToString(CultureInfo.InvariantCulture) ? 1 : 0;
        }

        (asOperations / 1000.0).ShouldBeInRange(0.72, 0.83);
        (right / (double)three).ShouldBeLessThan(0.2);
    }

    [Fact]
    public void Only_what_the_agent_writes_is_trained()
    {
        var pieces = World.GetDemonstration("worksheet", 3).Pieces;
        pieces[0].Trained.ShouldBeFalse();
        pieces.Skip(1).ShouldAllBe(piece => piece.Trained == !piece.Text.Contains("<result>", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("tool", "abacus", "environment option tool: 'abacus' must be calculator or python")]
    [InlineData("train_mix", "1/1/1/1/1", "environment option train_mix: '1/1/1/1/1' must be 1 to 4 shares such as 20/30/50, not all of them 0")]
    [InlineData("level", "2", "environment option level is unknown")]
    [InlineData("python", "/no/such/python", "environment option python: '/no/such/python' is not there")]
    public void A_wrong_option_is_refused(string key, string value, string message)
    {
        var options = new Dictionary<string, string> { ["tool"] = "python", [key] = value };
        if (key is "python" && !OperatingSystem.IsLinux())
            return;
        if (key is not ("tool" or "python"))
            options.Remove("tool");
        Should.Throw<EnvironmentSetupException>(() => new ArithmeticEnvironment(options)).Message.ShouldStartWith(message);
    }
}
