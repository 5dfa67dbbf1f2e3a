using Distributed.Environments.Tools;

namespace Distributed.Environments.Tests;

public class CalculatorTests
{
    private static readonly Calculator Plain = new();

    private static CodeReply Run(string program) => Plain.Run(program, CancellationToken.None);

    [Theory]
    [InlineData("4317 * 28", "120876")]
    [InlineData("2 + 3 * 4", "14")]
    [InlineData("(2 + 3) * 4", "20")]
    [InlineData("100 - 7 - 3", "90")]
    [InlineData("7 // 2 * 2 + 7 % 2", "7")]
    [InlineData("-7 // 2", "-4")]
    [InlineData("7 // -2", "-4")]
    [InlineData("-7 % 3", "2")]
    [InlineData("7 % -3", "-2")]
    [InlineData("--3 - -+2", "5")]
    [InlineData("2*-3", "-6")]
    [InlineData("x = 12; y_1 = x * x\nprint(y_1 - 1); x", "143\n12")]
    [InlineData("x = 1; x = x + 1; x", "2")]
    [InlineData(" ; ;\n 5 ; \n", "5")]
    [InlineData("print ( 3 )", "3")]
    [InlineData("9999999999999999999999 * 9999999999", "99999999989999999999990000000001")]
    public void It_reckons_as_python_does(string program, string value) => Run(program).ShouldBe(new CodeReply(value, Failed: false));

    [Theory]
    [InlineData("1 // 0", "error division by zero")]
    [InlineData("1 % (2 - 2)", "error division by zero")]
    [InlineData("1 / 2", "error syntax")]
    [InlineData("2 ** 9", "error syntax")]
    [InlineData("x == 2", "error syntax")]
    [InlineData("1 2", "error syntax")]
    [InlineData("(1", "error syntax")]
    [InlineData("1)", "error syntax")]
    [InlineData("1 +", "error syntax")]
    [InlineData("x =", "error syntax")]
    [InlineData("print 3", "error syntax")]
    [InlineData("import os", "error unknown name")]
    [InlineData("4 * y", "error unknown name")]
    [InlineData("99999999999999999999 * 999999999999999999999", "error too large")]
    [InlineData("12345678901234567890123456789012345678901", "error too large")]
    public void What_it_cannot_reckon_is_said(string program, string error) => Run(program).ShouldBe(new CodeReply(error, Failed: true));

    [Fact]
    public void Length_depth_and_names_are_bounded()
    {
        Run(new string('(', 31) + "1" + new string(')', 31)).Text.ShouldBe("1");
        Run(new string('(', 32) + "1" + new string(')', 32)).Text.ShouldBe("error too deep");
        Run(new string('-', 400) + "1").Text.ShouldBe("error too deep");
        Run("1" + string.Concat(Enumerable.Repeat("+1", 500))).Text.ShouldBe("error too long");
        Run(string.Concat(Enumerable.Range(0, 64).Select(i => $"x{i}=1;")) + "x3").Text.ShouldBe("1");
        Run(string.Concat(Enumerable.Range(0, 65).Select(i => $"x{i}=1;"))).Text.ShouldBe("error too many names");
    }

    [Fact]
    public void A_program_without_a_value_says_so() => Run("x = 3").ShouldBe(new CodeReply("no value", Failed: false));
}
